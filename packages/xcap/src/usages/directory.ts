import { escapeAttribute } from '@rollcall/xml'
import type { XcapUsage } from '../usage.ts'

const XCAP_DIRECTORY = 'urn:oma:xml:xdm:xcap-directory'

/** What documents a user has (OMA XDM): made by the server, for its owner. */
export const XCAP_DIRECTORY_USAGE: XcapUsage = {
  auid: 'org.openmobilealliance.xcap-directory',
  mediaType: 'application/vnd.oma.xcap-directory+xml',
  defaultNamespace: XCAP_DIRECTORY,
  namespaces: [XCAP_DIRECTORY],
  trees: ['users'],
  hasDocument: (name) => name === 'directory.xml',
  isWritable: false,
  validate: () => undefined,
}

/** A document of the directory. */
export interface DirectoryEntry {
  readonly auid: string
  /** Whole: with the XCAP root. */
  readonly uri: string
  readonly etag: string
  /** In octets. */
  readonly size: number
}

/** The directory of a user's documents, by application usage. */
export function directoryDocument(entries: readonly DirectoryEntry[]): Buffer {
  const byAuid = Map.groupBy(entries, ({ auid }) => auid)
  const folders = [...byAuid].map(([auid, documents]) => {
    const rows = documents.map(
      ({ uri, etag, size }) => `<entry uri="${escapeAttribute(uri)}" etag="${escapeAttribute(etag)}" size="${size}"/>`,
    )
    return `<folder auid="${escapeAttribute(auid)}">${rows.join('')}</folder>`
  })
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<xcap-directory xmlns="${XCAP_DIRECTORY}">${folders.join('')}</xcap-directory>`,
  )
}
