import type { Impu } from '@rollcall/core'
import { XcapSelectorError } from './errors.ts'

/** Longer than any selector of ours; servers have a bound for the request line. */
const SELECTOR_CHARACTERS_MAX = 4_096
/** What may stand in a path and a query as it is (RFC 3986 sections 3.3 and 3.4); a `%` is taken for an escape that is there. */
const LITERAL = /[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]/

/**
 * Makes the part of a URI behind the XCAP root from what a person writes: `pres-rules/users/sip:a@b/index/~~/ruleset/rule[@id="1"]`.
 * Without `users` or `global` behind the AUID it is a document of `xui`.
 *
 * @throws XcapSelectorError
 * @see RFC 4825 section 6
 */
export function selectorPath(text: string, xui: Impu): string {
  if (text.length > SELECTOR_CHARACTERS_MAX) throw new XcapSelectorError(`${text.slice(0, 40)}…`, 'is too long')
  const [auid = '', tree = '', ...rest] = text.replace(/^\//, '').split('/')
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,127}$/.test(auid)) throw new XcapSelectorError(text, 'does not begin with an AUID')
  if (tree === '') throw new XcapSelectorError(text, 'names no document')
  if (tree === 'users' || tree === 'global') {
    const least = tree === 'users' ? 2 : 1
    if (rest.length < least || rest[0] === '') throw new XcapSelectorError(text, 'names no document')
    return encodeSelector([auid, tree, ...rest].join('/'))
  }
  return encodeSelector([userTree(auid, xui), tree, ...rest].join('/'))
}

/** The document of a user: `pres-rules/users/sip:alice@DOMAIN/index`. */
export function userDocument(auid: string, xui: Impu, name: string): string {
  return encodeSelector(`${userTree(auid, xui)}/${name}`)
}

/** A node of a document; `steps` as RFC 4825 section 6.3 writes them, `namespaces` the prefixes in them. */
export function nodeSelector(
  document: string,
  steps: readonly string[],
  namespaces: Readonly<Record<string, string>>,
): string {
  const query = Object.entries(namespaces).map(([prefix, name]) => `xmlns(${prefix}=${name})`)
  const node = steps.map((step) => encodeSelector(step).replaceAll('/', '%2F').replaceAll('?', '%3F')).join('/')
  return `${document}/~~/${node}?${encodeSelector(query.join(''))}`
}

/** An attribute's value in quotes, as AttValue has it; `&quot;` survives every parser, `%22` inside of quotes does not. */
export function attributeTest(name: string, value: string): string {
  const text = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  // An escape that somebody wrote is a text here.
  return `[@${name}="${text.replaceAll('%', '%25')}"]`
}

function userTree(auid: string, xui: Impu): string {
  return `${auid}/users/${xui.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('?', '%3F')}`
}

function encodeSelector(text: string): string {
  let encoded = ''
  for (const character of text) encoded += LITERAL.test(character) ? character : encodeURIComponent(character)
  return encoded
}
