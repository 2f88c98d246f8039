import type { TLSSocket } from 'node:tls'
import { PSK_IDENTITY_HINT, parsePskIdentity, TLS13_PSK_UA_PROTOCOL, uaProtocolOfSuiteName } from '@rollcall/gba'
import { LookupError } from '../errors.ts'
import type { Naf, NafTable } from '../nafs/naf.ts'
import type { UaConnection } from '../ua/ua-connection.ts'
import type { NafKey, NafKeys } from '../zn/naf-keys.ts'
import type { ClientMessage } from './client-messages.ts'

/**
 * One suite each: the key depends on it, and nobody can say which was chosen when the key is asked for. A suite with another
 * hash would make TLS 1.3 pass over the key, and go on with whatever else there is.
 */
export const PSK_VERSIONS = {
  'TLSv1.2': {
    ciphers: 'PSK-AES128-GCM-SHA256',
    suiteName: 'TLS_PSK_WITH_AES_128_GCM_SHA256',
    uaProtocol: uaProtocolOfSuiteName('TLS_PSK_WITH_AES_128_GCM_SHA256'),
  },
  'TLSv1.3': {
    ciphers: 'TLS_AES_128_GCM_SHA256',
    suiteName: 'TLS_AES_128_GCM_SHA256',
    uaProtocol: TLS13_PSK_UA_PROTOCOL,
  },
} as const

export type PskVersion = keyof typeof PSK_VERSIONS

export interface PskHandshakeOptions {
  readonly version: PskVersion
  readonly nafs: NafTable
  readonly keys: Pick<NafKeys, 'get'>
}

/** `Choice:` identities that one handshake may name; each new one is a question to the BSF. A UE has one key, or two at most. */
const IDENTITIES_MAX = 4

/** One handshake: which NAF the client called, which keys it may have, and the one that TLS took. */
export class PskHandshake {
  readonly #o: PskHandshakeOptions
  readonly #keys = new Map<string, NafKey>()
  readonly #source: string
  #named = 0
  #naf: Naf | undefined
  #taken: string | undefined

  /** `source` is where the client is, for limits. */
  constructor(o: PskHandshakeOptions, source: string) {
    this.#o = o
    this.#source = source
  }

  /** How a socket asks for a key; its types do not know that it can. */
  get pskOptions(): object {
    return {
      pskCallback: (_socket: unknown, identity: string) => this.take(identity),
      pskIdentityHint: PSK_IDENTITY_HINT,
    }
  }

  /** Whether a key was there for the client to show that it has it. */
  get hasKey(): boolean {
    return this.#taken !== undefined
  }

  async inspect(message: ClientMessage): Promise<void> {
    if (message.kind === 'client-hello') {
      const { serverName } = message
      this.#naf = serverName === undefined ? this.#o.nafs.only : this.#o.nafs.find(serverName)
      for (const identity of message.pskIdentities) await this.#fetch(identity)
    } else if (message.kind === 'psk-key-exchange') await this.#fetch(message.pskIdentity)
  }

  /**
   * Who the client is, once TLS is through. Not before: that a key was asked for says nothing of whether the client has it.
   */
  connectionOf(tls: Pick<TLSSocket, 'getCipher' | 'isSessionReused'>): UaConnection | undefined {
    const key = this.#taken === undefined ? undefined : this.#keys.get(this.#taken)
    if (key === undefined || this.#naf === undefined) return undefined
    const { version } = this.#o
    // guard: psk-shown — a handshake that was not made with the key says nothing of who is there (TS 33.222 clause 5.4)
    const isByKey =
      tls.getCipher().standardName === PSK_VERSIONS[version].suiteName &&
      (version === 'TLSv1.2' || tls.isSessionReused())
    return isByKey ? { kind: 'psk', key, serverName: this.#naf.fqdn } : undefined
  }

  async #fetch(identity: string): Promise<void> {
    const { keys, version } = this.#o
    const naf = this.#naf
    const known = parsePskIdentity(identity)
    if (naf === undefined || known?.label !== 'gba-me') return
    // guard: psk-identities — a client that names B-TIDs without end would have the BSF asked for each
    if (this.#named >= IDENTITIES_MAX) return
    this.#named += 1
    // guard: psk-open — PSK-TLS is for NAFs whose operator opened it
    if (!naf.means.has('gba-psk')) return
    const { fqdn, gsids } = naf
    try {
      const { uaProtocol } = PSK_VERSIONS[version]
      this.#keys.set(identity, await keys.get({ btid: known.btid, fqdn, uaProtocol, gsids, source: this.#source }))
    } catch (error) {
      // Without a key the handshake fails, and the UE bootstraps anew (TS 24.109 clause 5.3.3.4).
      if (!(error instanceof LookupError)) throw error
    }
  }

  /** The key that TLS goes on with, if it is there. */
  take(identity: string): Buffer | null {
    const key = this.#keys.get(identity)
    // guard: psk-one-identity — TLS must not be able to go on with another key than the one that is bound
    if (key === undefined || (this.#taken !== undefined && this.#taken !== identity)) return null
    this.#taken = identity
    return key.ksNaf.reveal()
  }
}
