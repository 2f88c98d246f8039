import type { XmlElement } from '@rollcall/xml'
import { XcapUriError } from '../errors.ts'
import { attributeOf, bindingsInScope, type SelectorNames, selectElements } from '../select.ts'
import type { Step } from '../uri/node-selector.ts'
import type { XcapUri } from '../uri/xcap-uri.ts'
import type { XcapUsage } from '../usage.ts'
import { DocumentTrees } from './document-trees.ts'
import type { AttributeState, ElementState } from './write-xcap-diff.ts'

/**
 * What a watched part of a document is now. An element stays as it is, with the declarations that hold around it beside it.
 *
 * @param sel selector as the subscriber wrote it, `uri` what it means.
 * @param octets of the document; undefined: there is none.
 * @see RFC 5874 section 3; RFC 5875 section 4.7
 */
export function partStateOf(
  sel: string,
  uri: XcapUri,
  octets: Buffer | undefined,
  usage: XcapUsage,
  trees = new DocumentTrees(1),
): ElementState | AttributeState {
  const { node, bindings } = uri
  const names = { defaultNamespace: usage.defaultNamespace, bindings }
  const found = node && octets ? selected(trees.of(octets), node.steps, names) : undefined
  if (node?.kind !== 'attribute') {
    const xml = found && octets?.toString('utf8', found.start, found.end)
    return {
      kind: 'element',
      sel,
      content: xml === undefined ? undefined : { xml, declarations: bindingsInScope(found?.parent) },
    }
  }
  const value = found && unlessUnbound(() => attributeOf(found, node.attribute, names)?.value)
  return { kind: 'attribute', sel, value }
}

function selected(root: XmlElement, steps: readonly Step[], names: SelectorNames): XmlElement | undefined {
  const found = unlessUnbound(() => selectElements(root, steps, names)) ?? []
  return found.length === 1 ? found[0] : undefined
}

/** A prefix that the subscriber does not bind names nothing. */
function unlessUnbound<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof XcapUriError) return undefined
    throw error
  }
}
