import { anyText, type ElementType, type Particle, type Schema, uriType } from './schema.ts'

/** RFC 4826 section 3.2. */
export const RESOURCE_LISTS = 'urn:ietf:params:xml:ns:resource-lists'
/** RFC 4826 section 4.2. */
export const RLS_SERVICES = 'urn:ietf:params:xml:ns:rls-services'

const displayName: ElementType = { name: 'display-name', namespace: RESOURCE_LISTS, content: anyText }
const NAMED: readonly Particle[] = [{ of: [displayName], max: 1 }]
const FOREIGN: Particle = { of: [], foreign: true }

const member = (name: string, attribute: string): ElementType => ({
  name,
  namespace: RESOURCE_LISTS,
  attributes: { [attribute]: { type: uriType, isRequired: true } },
  content: [...NAMED, FOREIGN],
})
const MEMBERS = [member('external', 'anchor'), member('entry', 'uri'), member('entry-ref', 'ref')]

/** A list, and lists in it: the type is the same wherever it stands. */
const listOf = (namespace: string): ElementType => ({
  name: 'list',
  namespace,
  attributes: { name: { type: anyText } },
  get content(): readonly Particle[] {
    return [...NAMED, { of: [LIST, ...MEMBERS] }, FOREIGN]
  },
})
const LIST = listOf(RESOURCE_LISTS)

/** The root of lists of resources (RFC 4826 section 3.2). */
export const RESOURCE_LISTS_SCHEMA: Schema = {
  root: { name: 'resource-lists', namespace: RESOURCE_LISTS, content: [{ of: [LIST] }] },
  namespaces: new Set([RESOURCE_LISTS]),
}

const rls = (name: string, rest: Omit<ElementType, 'name' | 'namespace'>): ElementType => ({
  name,
  namespace: RLS_SERVICES,
  ...rest,
})
const packages = rls('packages', { content: [{ of: [rls('package', { content: anyText })], foreign: true }] })
const service = rls('service', {
  attributes: { uri: { type: uriType, isRequired: true } },
  content: [
    { of: [rls('resource-list', { content: uriType }), listOf(RLS_SERVICES)], min: 1, max: 1 },
    { of: [packages], max: 1 },
    FOREIGN,
  ],
})

/** The root of services of a resource list server (RFC 4826 section 4.2). */
export const RLS_SERVICES_SCHEMA: Schema = {
  root: rls('rls-services', { content: [{ of: [service] }] }),
  namespaces: new Set([RLS_SERVICES, RESOURCE_LISTS]),
}
