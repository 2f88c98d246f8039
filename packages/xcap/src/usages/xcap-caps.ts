import { escapeText } from '@rollcall/xml'
import type { XcapUsage } from '../usage.ts'

const XCAP_CAPS = 'urn:ietf:params:xml:ns:xcap-caps'

/** What a server can do (RFC 4825 section 12): one document for everybody, which the server makes. */
export const XCAP_CAPS_USAGE: XcapUsage = {
  auid: 'xcap-caps',
  mediaType: 'application/xcap-caps+xml',
  defaultNamespace: XCAP_CAPS,
  namespaces: [XCAP_CAPS],
  trees: ['global'],
  hasDocument: (name) => name === 'index',
  isWritable: false,
  validate: () => undefined,
}

/** The document of `xcap-caps` of a server that has these usages; its own among them. */
export function capsDocument(usages: readonly XcapUsage[]): Buffer {
  const list = (parent: string, child: string, values: readonly string[]): string =>
    `<${parent}>${values.map((value) => `<${child}>${escapeText(value)}</${child}>`).join('')}</${parent}>`
  const auids = usages.map(({ auid }) => auid)
  const namespaces = [...new Set(usages.flatMap((usage) => usage.namespaces))]
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-caps xmlns="${XCAP_CAPS}">` +
      `${list('auids', 'auid', auids)}${list('extensions', 'extension', [])}` +
      `${list('namespaces', 'namespace', namespaces)}</xcap-caps>`,
  )
}
