import { escapeAttribute, escapeText } from '@rollcall/xml'
import { declared, operationText, type PatchContent, type PatchOperation } from './patch-operation.ts'

/** Media type of what tells of changes (RFC 5874 section 6.1). */
export const XCAP_DIFF_MEDIA_TYPE = 'application/xcap-diff+xml'

/** Namespace of what tells of changes (RFC 5874 section 3). */
export const XCAP_DIFF_NAMESPACE = 'urn:ietf:params:xml:ns:xcap-diff'

/** What a document was and is. */
export interface DocumentChange {
  readonly kind: 'document'
  /** Document selector below the XCAP root: as the subscriber wrote it, or, of a collection, `documentPath`. */
  readonly sel: string
  /** Without quotes; undefined: it is new, or told for the first time. */
  readonly previousEtag: string | undefined
  /** Without quotes; undefined: it is removed. */
  readonly newEtag: string | undefined
  /** From that version to this; none in it: nothing of its content changed; undefined: it is to be fetched. */
  readonly patch?: readonly PatchOperation[] | undefined
}

/** What an element is now. */
export interface ElementState {
  readonly kind: 'element'
  /** Selector below the XCAP root: of the document and of the node. */
  readonly sel: string
  /** Undefined: it is not there. */
  readonly content: PatchContent | undefined
}

/** What an attribute is now. */
export interface AttributeState {
  readonly kind: 'attribute'
  readonly sel: string
  /** Undefined: it is not there. */
  readonly value: string | undefined
}

/** What can be told of a resource. */
export type XcapChange = DocumentChange | ElementState | AttributeState

/**
 * Writes what happened to documents and their parts.
 *
 * @param xcapRoot URI that all selectors are relative to.
 * @see RFC 5874 section 3
 */
export function writeXcapDiff(xcapRoot: string, changes: readonly XcapChange[]): Buffer {
  const prefix = freePrefix(changes)
  const rows = changes.map((change) => changeText(change, prefix)).join('')
  const start = `${prefix}:xcap-diff xmlns:${prefix}="${XCAP_DIFF_NAMESPACE}" xcap-root="${escapeAttribute(xcapRoot)}"`
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<${start}>${rows}</${prefix}:xcap-diff>`)
}

/** One that nothing which is put in has a meaning for. */
function freePrefix(changes: readonly XcapChange[]): string {
  const taken = new Set(
    changes.flatMap(contentsOf).flatMap(({ declarations }) => declarations.map((one) => one.prefix)),
  )
  let prefix = 'd'
  for (let i = 1; taken.has(prefix); i++) prefix = `d${i}`
  return prefix
}

function contentsOf(change: XcapChange): readonly PatchContent[] {
  switch (change.kind) {
    case 'document':
      return (change.patch ?? []).flatMap((operation) => ('content' in operation ? [operation.content] : []))
    case 'element':
      return change.content ? [change.content] : []
    case 'attribute':
      return []
  }
}

function changeText(change: XcapChange, prefix: string): string {
  const sel = `sel="${escapeAttribute(change.sel)}"`
  switch (change.kind) {
    case 'document':
      return documentText(change, sel, prefix)
    case 'element':
      if (!change.content) return `<${prefix}:element ${sel} exists="false"/>`
      return `<${prefix}:element ${sel} exists="true"${declared(change.content)}>${change.content.xml}</${prefix}:element>`
    case 'attribute':
      if (change.value === undefined) return `<${prefix}:attribute ${sel} exists="false"/>`
      return `<${prefix}:attribute ${sel} exists="true">${escapeText(change.value)}</${prefix}:attribute>`
  }
}

function documentText({ previousEtag, newEtag, patch }: DocumentChange, sel: string, prefix: string): string {
  const etags = [
    newEtag === undefined ? '' : ` new-etag="${escapeAttribute(newEtag)}"`,
    previousEtag === undefined ? '' : ` previous-etag="${escapeAttribute(previousEtag)}"`,
  ].join('')
  const isChange = previousEtag !== undefined && newEtag !== undefined
  if (!patch || !isChange) return `<${prefix}:document ${sel}${etags}/>`
  const content =
    patch.length === 0 ? `<${prefix}:body-not-changed/>` : patch.map((one) => operationText(one, prefix)).join('')
  return `<${prefix}:document ${sel}${etags}>${content}</${prefix}:document>`
}
