import { childElements, type XmlElement } from '@rollcall/xml'
import { type XcapConflict, XcapUriError } from '../errors.ts'
import { RESOURCE_LISTS, RESOURCE_LISTS_SCHEMA } from '../schema/resource-lists.ts'
import { schemaProblem } from '../schema/schema.ts'
import { namesSameUser } from '../uri/same-user.ts'
import { parseXcapUri, type XcapTree } from '../uri/xcap-uri.ts'
import type { XcapUsage } from '../usage.ts'
import { attributeText, repetition } from './uniqueness.ts'

/** Lists of resources that a user has, for rules and for services (RFC 4826 section 3.4). */
export const RESOURCE_LISTS_USAGE: XcapUsage = {
  auid: 'resource-lists',
  mediaType: 'application/resource-lists+xml',
  defaultNamespace: RESOURCE_LISTS,
  namespaces: [RESOURCE_LISTS],
  trees: ['users'],
  hasDocument: (name) => name === 'index',
  isWritable: true,
  validate(root, { changed }) {
    const phrase = schemaProblem(root, RESOURCE_LISTS_SCHEMA, changed)
    if (phrase !== undefined) return { condition: 'schema-validation-error', phrase }
    return listProblem(root, RESOURCE_LISTS)
  },
}

/** What may be there once among the children of one list, by what it is told apart. */
const UNIQUE = [
  ['list', 'name'],
  ['entry', 'uri'],
  ['entry-ref', 'ref'],
  ['external', 'anchor'],
] as const

/**
 * What is wrong with an element that holds lists or members of one, and with all lists in it.
 *
 * @param defaultNamespace of the document.
 * @see RFC 4826 section 3.4.5
 */
export function listProblem(element: XmlElement, defaultNamespace: string): XcapConflict | undefined {
  const children = childElements(element).filter(({ namespace }) => namespace === RESOURCE_LISTS)
  for (const [name, attribute] of UNIQUE) {
    const conflict = repetition(
      children.filter((child) => child.name === name),
      attribute,
      defaultNamespace,
    )
    if (conflict) return conflict
  }
  for (const child of children) {
    const conflict = child.name === 'list' ? listProblem(child, defaultNamespace) : referenceProblem(child)
    if (conflict) return conflict
  }
  return undefined
}

function referenceProblem(member: XmlElement): XcapConflict | undefined {
  if (member.name === 'external' && !isListUri(attributeText(member, 'anchor') ?? ''))
    return { condition: 'constraint-failure', phrase: 'an anchor that is no HTTP URI of a list' }
  if (member.name === 'entry-ref' && !isEntryReference(attributeText(member, 'ref') ?? ''))
    return { condition: 'constraint-failure', phrase: 'a ref that is no path to an entry below the XCAP root' }
  return undefined
}

/**
 * Whether a URI is absolute, of HTTP, and names an element of lists of resources.
 *
 * @param xui whose they must be; empty: anybody's.
 * @see RFC 4826 section 3.1; RFC 4826 section 4.1
 */
export function isListUri(text: string, xui = ''): boolean {
  const [, path] = /^https?:\/\/[^/?#]+(?:\/[^?#]*?)??\/(resource-lists\/.*)$/i.exec(text) ?? []
  const tree = path === undefined ? undefined : treeOfElement(path)
  if (!tree || xui === '') return tree !== undefined
  return tree.kind === 'users' && namesSameUser(tree.xui, xui)
}

/** Whether a reference is relative to the XCAP root and names an element of lists of resources. */
function isEntryReference(text: string): boolean {
  return treeOfElement(text) !== undefined
}

function treeOfElement(path: string): XcapTree | undefined {
  try {
    const { auid, tree, node } = parseXcapUri(`/${path}`)
    return auid === RESOURCE_LISTS_USAGE.auid && node?.kind === 'element' ? tree : undefined
  } catch (error) {
    if (error instanceof XcapUriError) return undefined
    throw error
  }
}
