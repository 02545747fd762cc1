import { describe, expect, it } from 'vitest';
import { escapeText, html, joined } from './html.ts';

describe('html', () => {
  it('escapes every value, in text and in attributes', () => {
    const hostile = `"><script>alert('x')</script>&`;
    const text = html`<a title="${hostile}">${hostile}</a>`.toString();
    expect(text).not.toContain('<script');
    expect(text).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">' +
        '&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</a>',
    );
  });

  it('inserts markup of its own as it is, and escapes lists item by item', () => {
    const items = ['<b>', html`<i>${'<'}</i>`, 3];
    expect(html`<p>${items}</p>`.toString()).toBe('<p>&lt;b&gt;<i>&lt;</i>3</p>');
  });

  it('writes nothing for what is absent, and zero as zero', () => {
    expect(html`[${null}${undefined}${false}${0}${''}]`.toString()).toBe('[0]');
  });

  it('does not take an object that only looks like markup', () => {
    const impostor = { toString: () => '<script>' } as unknown as string;
    expect(() => html`${impostor}`.toString()).toThrow();
  });

  it('joins with a separator', () => {
    expect(html`${joined(['a', '<', 'c'], html`<br>`)}`.toString()).toBe('a<br>&lt;<br>c');
    expect(escapeText("'")).toBe('&#39;');
  });
});
