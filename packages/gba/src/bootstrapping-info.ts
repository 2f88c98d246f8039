import { childElements, escapeText, parseXml, textOf, type XmlElement, XmlError } from '@rollcall/xml'
import { BootstrappingInfoError } from './errors.ts'

/** What a BSF tells a UE in its 200 (TS 24.109 annex C). */
export interface BootstrappingInfo {
  readonly btid: string
  /** When the key ends, by the BSF's clock. */
  readonly lifetimeMs: number
  /** The BSF's clock; lets a UE with another one find out how long the key lives. */
  readonly currentTimeMs: number | undefined
}

/** Namespace of the document; the text stands so in the schema (TS 24.109 annex C.1). */
const NAMESPACE = 'uri:3gpp-gba'
/** Media type of the document (TS 24.109 annex C.2). */
export const BOOTSTRAPPING_INFO_TYPE = 'application/vnd.3gpp.bsf+xml'

/** `Choice:` the document has some 300 octets; an Extension may be longer. */
const LIMITS = { bytesMax: 8 * 1024, attributesMax: 16, bindingsMax: 32 }

/** xs:dateTime; without a zone it is taken as UTC, which the clause asks for. */
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?$/

/**
 * Writes the document.
 *
 * @see TS 24.109 clause 4.2 and annex C
 */
export function writeBootstrappingInfo(info: BootstrappingInfo & { readonly currentTimeMs: number }): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<BootstrappingInfo xmlns="${NAMESPACE}">` +
    `<btid>${escapeText(info.btid)}</btid>` +
    `<lifetime>${dateTimeOf(info.lifetimeMs)}</lifetime>` +
    `<Extension><currenttime>${dateTimeOf(info.currentTimeMs)}</currenttime></Extension>` +
    '</BootstrappingInfo>\n'
  )
}

/**
 * Reads the document; what it does not know in it is ignored.
 *
 * @throws BootstrappingInfoError
 * @see TS 24.109 annex C
 */
export function readBootstrappingInfo(octets: Uint8Array): BootstrappingInfo {
  const root = rootOf(octets)
  const btid = textIn(root, 'btid')
  const lifetime = textIn(root, 'lifetime')
  const currenttime = textIn(child(root, 'Extension'), 'currenttime')
  if (!btid) throw new BootstrappingInfoError('no btid')
  const lifetimeMs = epochOf(lifetime)
  if (lifetimeMs === undefined) throw new BootstrappingInfoError('lifetime is missing or no dateTime')
  return { btid, lifetimeMs, currentTimeMs: epochOf(currenttime) }
}

/** To the second: a UE that reads no fractions is in the field. */
function dateTimeOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}

function epochOf(text: string | undefined): number | undefined {
  if (text === undefined || !DATE_TIME.test(text)) return undefined
  const epochMs = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(epochMs) ? undefined : epochMs
}

function rootOf(octets: Uint8Array): XmlElement {
  try {
    const root = parseXml(Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength), LIMITS)
    if (isOurs(root, 'BootstrappingInfo')) return root
  } catch (cause) {
    if (cause instanceof XmlError) throw new BootstrappingInfoError(cause.detail, { cause })
    throw cause
  }
  throw new BootstrappingInfoError('the root is no BootstrappingInfo')
}

function textIn(parent: XmlElement | undefined, name: string): string | undefined {
  const element = child(parent, name)
  return element && textOf(element).trim()
}

function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  return parent && childElements(parent).find((element) => isOurs(element, name))
}

function isOurs(element: XmlElement, name: string): boolean {
  return element.namespace === NAMESPACE && element.name === name
}
