import { scanPidf } from '@rollcall/pidf'
import { XmlError } from '@rollcall/xml'
import { namesSameUser } from '../uri/same-user.ts'
import type { XcapUsage } from '../usage.ts'

const PIDF = 'urn:ietf:params:xml:ns:pidf'

/**
 * Hard state: presence that stands without anybody publishing it (RFC 4827). `perm-presence` is OMA's name of the document.
 */
export const PIDF_MANIPULATION_USAGE: XcapUsage = {
  auid: 'pidf-manipulation',
  mediaType: 'application/pidf+xml',
  defaultNamespace: PIDF,
  namespaces: [PIDF],
  trees: ['users'],
  hasDocument: (name) => name === 'index' || name === 'perm-presence',
  isWritable: true,
  validate(root, { xui, octets }) {
    try {
      scanPidf(octets)
    } catch (error) {
      if (!(error instanceof XmlError)) throw error
      return { condition: 'schema-validation-error', phrase: error.detail }
    }
    const entity = root.attributes.find(({ name, namespace }) => name === 'entity' && namespace === '')?.value ?? ''
    // What is said here is said of whose tree it is in.
    // `pres:` names the same user (RFC 3859).
    if (namesSameUser(entity.replace(/^pres:/i, 'sip:'), xui)) return undefined
    return { condition: 'constraint-failure', phrase: 'entity is another than the user' }
  },
}
