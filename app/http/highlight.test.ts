import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { codeBlock, highlight, toSource } from './highlight.ts';

const plain = (markup: string) =>
  markup
    .replace(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

const AWKWARD = {
  text: `it's "quoted" \\ with\nlines <b>&</b>`,
  'a key': [1, -2.5, null, true, [], {}],
  nested: { list: ['one', { two: 2 }], empty: '' },
};

describe('toSource', () => {
  it.each([0, 20, 200])('writes JSON that reads back, at width %d', (width) => {
    expect(JSON.parse(toSource(AWKWARD, 'json', width))).toEqual(AWKWARD);
  });

  it.each([0, 20, 200])('writes JavaScript that reads back, at width %d', (width) => {
    const source = toSource(AWKWARD, 'js', width);
    expect(JSON.parse(runInNewContext(`JSON.stringify(${source})`))).toEqual(AWKWARD);
  });

  it('keeps on one line what fits, and breaks what does not', () => {
    expect(toSource({ name: 'ada' }, 'js')).toBe("{ name: 'ada' }");
    expect(toSource({ name: 'ada' }, 'js', 5)).toBe("{\n  name: 'ada'\n}");
  });
});

describe('highlight', () => {
  it.each([
    ['js', "const a = `x {y} <b>`; // it's \"so\"\nawait f({ k: 'v', n: 1_000 });"],
    ['json', '{ "a": "b\\"c", "n": -1.5, "t": true, "x": null }'],
    ['shell', 'npm install x # <why>\nnode chat.mjs "ada"'],
  ] as const)('changes nothing of the text: %s', (language, source) => {
    expect(plain(highlight(source, language).toString())).toBe(source);
  });

  it('colours by kind', () => {
    const markup = highlight("const x = f('a'); // b", 'js').toString();
    expect(markup).toContain('<span class="tk">const</span>');
    expect(markup).toContain('<span class="tf">f</span>');
    expect(markup).toContain('<span class="ts">&#39;a&#39;</span>');
    expect(markup).toContain('<span class="tc">// b</span>');
  });

  it('makes blocks that a keyboard can scroll', () => {
    expect(codeBlock('x', 'js', 'A "label"').toString()).toContain(
      'tabindex="0" role="region" aria-label="A &quot;label&quot;"',
    );
  });
});
