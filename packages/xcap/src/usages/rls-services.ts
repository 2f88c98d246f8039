import { childElements, parseXml, textOf, type XmlElement } from '@rollcall/xml'
import { standaloneText } from '../element-text.ts'
import type { XcapConflict } from '../errors.ts'
import { RESOURCE_LISTS, RLS_SERVICES, RLS_SERVICES_SCHEMA } from '../schema/resource-lists.ts'
import { schemaProblem } from '../schema/schema.ts'
import { DOCUMENT_LIMITS, type XcapUsage } from '../usage.ts'
import { isListUri, listProblem } from './resource-lists.ts'
import { repetition } from './uniqueness.ts'

/** What is known of services beyond one document. */
export interface RlsServicesOptions {
  /** Whether a URI is a service of another user's, or names something else already. */
  readonly isTaken?: (uri: string) => boolean
}

/**
 * Services of a resource list server (RFC 4826 section 4.4): lists that are subscribed to by a URI. What all users have
 * together is in `global/index`, which the server makes: `globalServices`.
 */
export function rlsServicesUsage({ isTaken }: RlsServicesOptions = {}): XcapUsage {
  return {
    auid: 'rls-services',
    mediaType: 'application/rls-services+xml',
    defaultNamespace: RLS_SERVICES,
    namespaces: [RLS_SERVICES, RESOURCE_LISTS],
    trees: ['users', 'global'],
    hasDocument: (name) => name === 'index',
    isWritable: true,
    validate(root, { xui, changed }) {
      const phrase = schemaProblem(root, RLS_SERVICES_SCHEMA, changed)
      if (phrase !== undefined) return { condition: 'schema-validation-error', phrase }
      const services = childElements(root)
      return repetition(services, 'uri', RLS_SERVICES, isTaken) ?? firstProblem(services, xui)
    },
  }
}

/** What the services lead to; those of a user's document into the user's own tree (RFC 4826 section 4.1). */
function firstProblem(services: readonly XmlElement[], xui: string): XcapConflict | undefined {
  for (const service of services) {
    const [what] = childElements(service)
    if (!what) continue
    if (what.name === 'list') {
      const conflict = listProblem(what, RLS_SERVICES)
      if (conflict) return conflict
    } else if (!isListUri(textOf(what).trim(), xui)) {
      return { condition: 'constraint-failure', phrase: 'a resource-list that is no HTTP URI of a list of this user’s' }
    }
  }
  return undefined
}

/**
 * The document of `rls-services/global/index`: the services of all users' documents, each with the declarations that it
 * needs.
 *
 * @see RFC 4826 section 4.4.8
 */
export function globalServices(documents: readonly Buffer[]): Buffer {
  const services = documents.flatMap((octets) =>
    childElements(parseXml(octets, DOCUMENT_LIMITS)).map((service) => standaloneText(service, octets)),
  )
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<rls-services xmlns="${RLS_SERVICES}">${services.join('')}</rls-services>`,
  )
}
