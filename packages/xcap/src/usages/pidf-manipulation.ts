import { scanPidf } from '@rollcall/pidf'
import { XmlError } from '@rollcall/xml'
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
    if (sameUser(entity, xui)) return undefined
    return { condition: 'constraint-failure', phrase: 'entity is another than the user' }
  },
}

/** The scheme and the host do not care about case (RFC 3261 section 19.1.4); `pres:` names the same user (RFC 3859). */
function sameUser(entity: string, xui: string): boolean {
  return canonical(entity) === canonical(xui)
}

function canonical(uri: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/i.exec(uri) ?? []
  const at = rest.lastIndexOf('@')
  const kind = scheme.toLowerCase()
  return `${kind === 'pres' ? 'sip' : kind}:${rest.slice(0, at + 1)}${rest.slice(at + 1).toLowerCase()}`
}
