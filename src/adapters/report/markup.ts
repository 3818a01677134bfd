// Markup that cannot be broken out of: every value put into a template is escaped unless it is markup itself.

/** Text that is already safe markup; only `markup` makes it. */
export interface Markup { readonly safe: string }

/** What a template accepts; null and false leave nothing. */
export type Content = string | number | null | false | Markup | readonly Content[];

/** Markup from a template, its values escaped. */
export const markup = (parts: TemplateStringsArray, ...values: readonly Content[]): Markup =>
  ({ safe: parts.reduce((text, part, i) => text + part + (i < values.length ? render(values[i] ?? null) : ''), '') });

/** Nothing at all. */
export const NOTHING: Markup = { safe: '' };

function render(content: Content): string {
  if (content === null || content === false) return '';
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return escapeText(content);
  return 'safe' in content ? content.safe : content.map(render).join('');
}

/** Text that means itself in an element or a quoted attribute; characters that XML forbids are dropped. */
export const escapeText = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/g, '').replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
