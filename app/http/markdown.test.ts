import { describe, expect, it } from 'vitest';
import { headingId, headingsOf, markdown, sectionOf, sectionsOf } from './markdown.ts';

const text = [
  '# Title',
  '',
  'Before.',
  '',
  '## One',
  '',
  'First.',
  '',
  '### Part',
  '',
  'More.',
  '',
  '## Two',
  '',
  'Second.',
  '',
].join('\n');

describe('a document', () => {
  it('is taken apart at its headings', () => {
    expect(sectionOf(text, 'One')).toBe('\nFirst.\n\n### Part\n\nMore.\n');
    expect(sectionOf(text, 'Two').trim()).toBe('Second.');
    expect(() => sectionOf(text, 'Three')).toThrow('there is no section Three');
    expect(sectionsOf(text).trim().startsWith('## One')).toBe(true);
    expect(headingsOf(text)).toEqual(['One', 'Part', 'Two']);
  });

  it('has ids for its headings, as GitHub makes them', () => {
    expect(headingId('When a connection ends')).toBe('when-a-connection-ends');
    expect(headingId('Her odayı numarasıyla, `x` ile izleyin')).toBe('her-odayı-numarasıyla-x-ile-izleyin');
  });
});

describe('Markdown', () => {
  const shown = (source: string) => markdown(source, 'label').toString();

  it('becomes paragraphs, lists and headings', () => {
    expect(shown('One\nline.\n\n- a\n- b\n\n1. c\n2. d\n\nEnd.')).toBe(
      '<p>One\nline.</p><ul><li>a</li><li>b</li></ul><ol><li>c</li><li>d</li></ol><p>End.</p>',
    );
    expect(shown('## Be ready\n')).toBe('<h3 id="be-ready"><a class="anchor" href="#be-ready">Be ready</a></h3>');
  });

  it('keeps code as it stands, with what it is about as its label', () => {
    const block = shown('### Part\n\n```text\nif a < b:\n\n    - c\n```\n\nEnd.');
    expect(block).toContain('aria-label="Part"><code>if a &lt; b:\n\n    - c</code></pre><p>End.</p>');
    expect(shown('```js\nlet a;\n```')).toContain('aria-label="label"><code><span class="tk">let</span> a;');
  });

  it('knows code, bold text and links in a line, and escapes the rest', () => {
    expect(shown('**Any `x` & y.** <b>')).toBe('<p><b>Any <code>x</code> &amp; y.</b> &lt;b&gt;</p>');
    expect(shown('[`a` limit](#limits), [that](security.md)')).toBe(
      '<p><a href="#limits"><code>a</code> limit</a>, that</p>',
    );
    expect(shown('[rules](client-rules.md)')).toBe('<p><a href="#what-a-client-does">rules</a></p>');
    expect(shown('`rooms: [{ a }](b)` and a lone ` stay')).toBe(
      '<p><code>rooms: [{ a }](b)</code> and a lone ` stay</p>',
    );
  });
});
