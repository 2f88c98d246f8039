import { isIP } from 'node:net'
import { ConfigError, field, isRole, parseAddressPort, parseHostPort, type Role } from '@rollcall/runtime'
import type { SocketAddress } from '@rollcall/sip-net'

export type SipTransport = 'TLS' | 'TCP' | 'UDP'

/** Where a peer takes SIP. */
export interface SipTarget {
  readonly transport: SipTransport
  readonly host: string
  readonly port: number
}

/** A node of another vendor, by the host that routes name it by. */
export interface VendorNode {
  /** Lower case. */
  readonly host: string
  readonly role: Role
  /** None of a node that only sends. */
  readonly targets: readonly SipTarget[]
}

/** Settings of a node as they stand in the environment; a service has them under names of its own. */
export interface NodeSettings {
  readonly tlsListen: string | undefined
  readonly peers: string | undefined
  readonly unprotectedListen: string | undefined
  readonly unprotectedPeers: string | undefined
  readonly protectedElsewhere: string | undefined
}

/** What the settings say. */
export interface NodeTable {
  readonly tls: SocketAddress | undefined
  readonly unprotected: readonly (SocketAddress & { readonly transport: 'TCP' | 'UDP' })[]
  /** Nodes that show certificates. */
  readonly nodes: readonly VendorNode[]
  /** Nodes that are known by nothing but the address that they send from. */
  readonly unprotectedNodes: readonly VendorNode[]
  /** Addresses whose unprotected SIP something else protects. */
  readonly protectedElsewhere: ReadonlySet<string>
}

/** A table is written by a person. */
const NODES_MAX = 1_000
const HOST = '[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?'
const PLACE = '(?:\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9.-]+):\\d{1,5}'
const ADDRESS = '(?:\\[[0-9a-fA-F:.]+\\]|[0-9.]+):\\d{1,5}'

/** Fields of a service's configuration; each service gives them names of its own. */
export const nodeFields = {
  /** `…_SIP_TLS_LISTEN` */
  tlsListen: (example: string) =>
    field
      .addressPort({ is: 'where other vendors’ nodes reach it by SIP over TLS, with client certificates', example })
      .optional(),
  /** `…_SIP_PEERS` */
  peers: (example: string) =>
    field
      .text({
        is: 'other vendors’ nodes: HOST is in their routes, and in their certificates unless these name a role of the trust domain; without a target they only send',
        pattern: listOf(`${HOST}=[a-z]+(?:@${barred(`tls:${PLACE}`)})?`),
        allowed:
          'HOST=ROLE or HOST=ROLE@tls:HOST:PORT, several targets with a bar between, some of them with commas between',
        example,
      })
      .optional(),
  /** `…_SIP_UNPROTECTED_LISTEN` */
  unprotectedListen: (o: { readonly is: string; readonly example: string }) =>
    field
      .text({
        ...o,
        pattern: listOf(`(?:udp|tcp):${ADDRESS}`),
        allowed: 'udp:ADDRESS:PORT or tcp:ADDRESS:PORT, an IPv6 address in brackets, one of each with a comma between',
      })
      .optional(),
  /** `…_SIP_UNPROTECTED_PEERS` */
  unprotectedPeers: (example: string) =>
    field
      .text({
        is: 'insecure: other vendors’ nodes without certificates, known by the address that they send from',
        pattern: listOf(`${HOST}=[a-z]+@${barred(`(?:udp|tcp):${ADDRESS}`)}`),
        allowed:
          'HOST=ROLE@udp:ADDRESS:PORT or …@tcp:…, several targets with a bar between, some of them with commas between',
        example,
      })
      .optional(),
  /** `…_SIP_PROTECTED_ELSEWHERE` */
  protectedElsewhere: (example: string) =>
    field
      .text({
        is: 'addresses whose unprotected SIP something else protects, such as an IPsec tunnel (TS 33.210): what they assert is believed',
        pattern: listOf('[0-9a-fA-F:.]+'),
        allowed: 'IP addresses with commas between',
        example,
      })
      .optional(),
}

function barred(one: string): string {
  return `${one}(?:\\|${one})*`
}

function listOf(one: string): RegExp {
  return new RegExp(`^${one}(?:,${one})*$`)
}

/**
 * Reads the settings of a node. `prefix` is that of their names, `ROLLCALL_SCSCF`.
 *
 * @throws ConfigError for what no single field could see.
 */
export function readNodeTable(service: string, settings: NodeSettings): NodeTable {
  const prefix = `ROLLCALL_${service.toUpperCase()}`
  const refuse = (name: string, problem: string): never => {
    throw new ConfigError(service, [{ name: `${prefix}_${name}`, problem }])
  }
  const tls = settings.tlsListen === undefined ? undefined : parseAddressPort(settings.tlsListen)
  const unprotected = parts(settings.unprotectedListen).map((text) => {
    const at = parseAddressPort(text.slice(4))
    if (!at || at.port === 0) return refuse('SIP_UNPROTECTED_LISTEN', `came as ${JSON.stringify(text)}`)
    return { ...at, transport: text.startsWith('udp') ? ('UDP' as const) : ('TCP' as const) }
  })
  if (new Set(unprotected.map(({ transport }) => transport)).size < unprotected.length) {
    refuse('SIP_UNPROTECTED_LISTEN', 'names a transport twice')
  }
  const read = (name: string, text: string | undefined): VendorNode[] =>
    parts(text).map((entry) => readNode(entry) ?? refuse(name, `${JSON.stringify(entry)} names no role, or no target`))
  const nodes = read('SIP_PEERS', settings.peers)
  const unprotectedNodes = read('SIP_UNPROTECTED_PEERS', settings.unprotectedPeers)
  const all = [...nodes, ...unprotectedNodes]
  if (new Set(all.map(({ host }) => host)).size < all.length) refuse('SIP_PEERS', 'names a host twice')
  if (all.length > NODES_MAX) refuse('SIP_PEERS', `names more than ${NODES_MAX} hosts`)
  const listened = new Set(unprotected.map(({ transport }) => transport as SipTransport))
  for (const { host, targets } of unprotectedNodes) {
    if (targets.every(({ transport }) => listened.has(transport))) continue
    refuse('SIP_UNPROTECTED_PEERS', `${host} has a transport that SIP_UNPROTECTED_LISTEN has not`)
  }
  const protectedElsewhere = parts(settings.protectedElsewhere)
  for (const address of protectedElsewhere) {
    if (isIP(address) === 0) refuse('SIP_PROTECTED_ELSEWHERE', `${JSON.stringify(address)} is no IP address`)
  }
  return { tls, unprotected, nodes, unprotectedNodes, protectedElsewhere: new Set(protectedElsewhere) }
}

function parts(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',')
}

function readNode(entry: string): VendorNode | undefined {
  const [host = '', rest = ''] = entry.split('=', 2)
  const [role = '', list] = rest.split('@', 2)
  if (!isRole(role)) return undefined
  const targets = (list === undefined ? [] : list.split('|')).map((text) => {
    const at = parseHostPort(text.slice(4))
    const transport = text.slice(0, 3).toUpperCase() as SipTransport
    return at && at.port > 0 ? { transport, host: at.host, port: at.port } : undefined
  })
  const known = targets.filter((target) => target !== undefined)
  return known.length < targets.length ? undefined : { host: host.toLowerCase(), role, targets: known }
}
