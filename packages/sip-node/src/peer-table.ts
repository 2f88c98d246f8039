import { type HopPeer, mayAssert, maySend, PeerIdentityError, parsePeer, type Role } from '@rollcall/runtime'
import type { PeerCertificate, SocketAddress } from '@rollcall/sip-net'
import type { NodeTable, VendorNode } from './settings.ts'
import { sipDomainsOf } from './sip-domains.ts'

/**
 * A node of another vendor as a service sees it. `spiffeId` is `sip:HOST` where the certificate has none, and `sip:ADDRESS`
 * where there is no certificate.
 */
export interface NodePeer extends HopPeer {
  /** Whether who it is was shown by a certificate, or by what else protects the link. Else it asserts nobody. */
  readonly isVerified: boolean
  /** Whether it is verified, and its role may assert identities. */
  readonly isAsserting: boolean
  /** Hosts that it is known to be: RFC 5922 identities, lower case. */
  readonly hosts: readonly string[]
}

/** Why a node is not let in. Few values: it is a label. */
export type PeerRefusal = 'unknown-name' | 'ambiguous-name' | 'unknown-role' | 'direction' | 'unknown-address'

export type Identified =
  | { readonly ok: true; readonly peer: NodePeer }
  | { readonly ok: false; readonly reason: PeerRefusal; readonly role?: Role }

/** Who other vendors' nodes are, by what they show of themselves. */
export class PeerTable {
  readonly #trustDomain: string
  readonly #ownRole: Role
  readonly #table: NodeTable
  readonly #byHost = new Map<string, VendorNode>()
  readonly #byAddress = new Map<string, NodePeer>()

  constructor(o: { readonly trustDomain: string; readonly ownRole: Role; readonly table: NodeTable }) {
    this.#trustDomain = o.trustDomain
    this.#ownRole = o.ownRole
    this.#table = o.table
    for (const node of [...o.table.nodes, ...o.table.unprotectedNodes]) this.#byHost.set(node.host, node)
    for (const node of o.table.unprotectedNodes) {
      for (const target of node.targets) this.#byAddress.set(target.host, this.#unprotected(node, target.host))
    }
  }

  /** The node that routes name by `host`. */
  find(host: string): VendorNode | undefined {
    return this.#byHost.get(host.toLowerCase())
  }

  /** Whether requests to this node go out protected, or over a link that something else protects. */
  isVerified({ targets }: VendorNode): boolean {
    return targets.every(({ transport, host }) => transport === 'TLS' || this.#table.protectedElsewhere.has(host))
  }

  /** Who may send SIP here with this certificate. */
  admit(certificate: PeerCertificate): Identified {
    const found = this.#identify(certificate)
    if (!found.ok) return found
    // guard: sip-direction — SIP is taken from the roles that may send it here, whatever name they have
    if (!maySend(found.peer.role, this.#ownRole)) return { ok: false, reason: 'direction', role: found.peer.role }
    return found
  }

  /** Who sends from this address without a certificate. */
  admitAddress({ address }: SocketAddress): Identified {
    const peer = this.#byAddress.get(address)
    // guard: sip-unknown-address — unprotected SIP is taken from the addresses that a setting lists
    if (!peer) return { ok: false, reason: 'unknown-address' }
    if (!maySend(peer.role, this.#ownRole)) return { ok: false, reason: 'direction', role: peer.role }
    return { ok: true, peer }
  }

  /**
   * Whether a server with this certificate is `node`: of its role by our trust domain, or of its very host.
   *
   * @see RFC 5922 section 7.3
   */
  isNode(certificate: PeerCertificate, node: VendorNode): boolean {
    const found = this.#identify(certificate)
    if (!found.ok || found.peer.role !== node.role) return false
    // guard: sip-server-host — a node that is known by its host speaks for no other host
    return found.peer.hosts.length === 0 || found.peer.hosts.includes(node.host)
  }

  /** A certificate of our trust domain says what its SPIFFE ID says, any other what the setting says of its names. */
  #identify({ subjectAltName }: PeerCertificate): Identified {
    try {
      const { role, spiffeId } = parsePeer(subjectAltName, this.#trustDomain)
      return { ok: true, peer: this.#verified(role, spiffeId, []) }
    } catch (error) {
      if (!(error instanceof PeerIdentityError)) throw error
      // guard: sip-unknown-role — a certificate of our trust domain is what its SPIFFE ID says, and nothing besides
      if (error.reason === 'unknown-role') return { ok: false, reason: 'unknown-role' }
    }
    const nodes = sipDomainsOf(subjectAltName)
      .map((host) => this.#byHost.get(host))
      .filter((node) => node !== undefined && this.#table.nodes.includes(node))
    const [first] = nodes
    // guard: sip-unknown-name — an authority certifies many; who is a node is said by the setting
    if (!first) return { ok: false, reason: 'unknown-name' }
    // guard: sip-one-role — with two names of two roles a node could be what it needs to be
    if (nodes.some((node) => node?.role !== first.role)) return { ok: false, reason: 'ambiguous-name' }
    const hosts = nodes.map((node) => node?.host ?? '')
    return { ok: true, peer: this.#verified(first.role, `sip:${first.host}`, hosts) }
  }

  #verified(role: Role, spiffeId: string, hosts: readonly string[]): NodePeer {
    // guard: sip-asserting-role — an application server asserts nobody
    return { role, spiffeId, isVerified: true, isAsserting: mayAssert(role), hosts }
  }

  #unprotected({ role, host }: VendorNode, address: string): NodePeer {
    // guard: sip-unverified — an address that anybody can write on a packet is no identity
    const isVerified = this.#table.protectedElsewhere.has(address)
    return { role, spiffeId: `sip:${address}`, isVerified, isAsserting: isVerified && mayAssert(role), hosts: [host] }
  }
}
