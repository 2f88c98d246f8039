import type { ConnectionOptions } from 'node:tls'
import { type ChannelCredentials, experimental, type ServerCredentials } from '@grpc/grpc-js'
import { type Clock, systemClock, type Timer } from '@rollcall/core'
import { PeerIdentityError, TlsIdentityError } from './errors.ts'
import type { Role } from './roles.ts'
import { type Peer, parsePeer, spiffeIdOf } from './spiffe.ts'
import { readTlsMaterial, sameMaterial, type TlsFiles, type TlsMaterial } from './tls-files.ts'

/** Mounted secrets change by a swap of links that file watchers miss; three small files are cheap to read again. */
const RELOAD_MS = 10_000

/** What a look at the files brought. */
export type ReloadOutcome =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'reloaded' }
  | { readonly kind: 'refused'; readonly error: TlsIdentityError }

/**
 * Who this process is inside the trust domain, and whom it trusts: mutual TLS for gRPC with certificates that rotate
 * under running connections. New connections use what the files hold; what they hold wrongly is refused and the last
 * good material stays in use.
 */
export class TlsIdentity implements Disposable {
  readonly trustDomain: string
  readonly role: Role
  readonly spiffeId: string
  /** Told of each look at the files that found something; for the log. */
  onReload: ((outcome: ReloadOutcome) => void) | undefined
  readonly #files: TlsFiles
  readonly #clock: Clock
  readonly #provider: MaterialProvider
  #material: TlsMaterial
  #timer: Timer | undefined
  #refused: string | undefined

  private constructor(files: TlsFiles, trustDomain: string, clock: Clock, material: TlsMaterial) {
    this.#files = files
    this.trustDomain = trustDomain
    this.#clock = clock
    this.#material = material
    this.#provider = new MaterialProvider(material)
    this.role = material.role
    this.spiffeId = material.spiffeId
  }

  /**
   * Reads the files and looks at them again every `reloadMs`.
   *
   * @throws TlsIdentityError
   */
  static async load(
    o: TlsFiles & { readonly trustDomain: string; readonly clock?: Clock; readonly reloadMs?: number },
  ): Promise<TlsIdentity> {
    const clock = o.clock ?? systemClock
    const material = await readTlsMaterial(o, o.trustDomain, clock.now())
    const identity = new TlsIdentity(o, o.trustDomain, clock, material)
    identity.#watch(o.reloadMs ?? RELOAD_MS)
    return identity
  }

  /** What is in use now, for TLS that is no gRPC; another object once it was renewed. */
  get material(): Pick<TlsMaterial, 'cert' | 'key' | 'ca'> {
    return this.#material
  }

  /** When the certificate in use ends. */
  get notAfterMs(): number {
    return this.#material.notAfterMs
  }

  /** Looks at the files now. A certificate of another role is refused: a process does not change who it is. */
  async reload(): Promise<ReloadOutcome> {
    const outcome = await this.#look()
    // The same fault is told once, not every ten seconds.
    const told = outcome.kind === 'refused' ? outcome.error.message : undefined
    const isNews = outcome.kind === 'reloaded' || (told !== undefined && told !== this.#refused)
    this.#refused = told
    if (isNews) this.onReload?.(outcome)
    return outcome
  }

  /** For a gRPC server: a client without a certificate of the trust domain is refused in the handshake. */
  serverCredentials(): ServerCredentials {
    // guard: client-certificate — who shows no certificate of ours is refused in the handshake
    return experimental.createCertificateProviderServerCredentials(this.#provider, this.#provider, true)
  }

  /** For a gRPC client: connects only to a server whose certificate names `role` of this trust domain. */
  channelCredentials(role: Role): ChannelCredentials {
    return experimental.createCertificateProviderChannelCredentials(this.#provider, this.#provider, {
      checkServerIdentity: this.#serverCheck(role),
    })
  }

  /** The same for HTTPS, with the material of now. */
  httpsClientOptions(role: Role): ConnectionOptions {
    const { cert, key, ca } = this.#material
    return {
      cert,
      key,
      ca,
      minVersion: 'TLSv1.2',
      // A name that is no address; who is there is decided by the URI in the certificate.
      servername: `${role}.${this.trustDomain}`,
      checkServerIdentity: this.#serverCheck(role),
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #serverCheck(role: Role): NonNullable<ConnectionOptions['checkServerIdentity']> {
    const expected = spiffeIdOf(this.trustDomain, role)
    return (_host, certificate) => {
      try {
        const peer: Peer = parsePeer(certificate.subjectaltname, this.trustDomain)
        // guard: server-role — a client speaks to nobody but the role that it expects
        if (peer.spiffeId === expected) return undefined
        return new Error(`expected ${expected}, found ${peer.spiffeId}`)
      } catch (error) {
        if (error instanceof PeerIdentityError) return error
        throw error
      }
    }
  }

  async #look(): Promise<ReloadOutcome> {
    try {
      const fresh = await readTlsMaterial(this.#files, this.trustDomain, this.#clock.now())
      if (sameMaterial(fresh, this.#material)) return { kind: 'unchanged' }
      // guard: role-kept — new files must not make a process somebody else
      if (fresh.role !== this.role) {
        throw new TlsIdentityError(this.#files.certFile, `is of role ${fresh.role}, this process is ${this.role}`)
      }
      this.#material = fresh
      this.#provider.update(fresh)
      return { kind: 'reloaded' }
    } catch (error) {
      if (error instanceof TlsIdentityError) return { kind: 'refused', error }
      throw error
    }
  }

  #watch(reloadMs: number): void {
    const again = async (): Promise<void> => {
      await this.reload()
      if (this.#timer) this.#timer = this.#clock.setTimer(reloadMs, again)
    }
    this.#timer = this.#clock.setTimer(reloadMs, again)
  }
}

type CaListener = experimental.CaCertificateUpdateListener
type IdentityListener = experimental.IdentityCertificateUpdateListener

/** Hands the material in use to grpc-js. It calls back on a later tick: grpc-js registers after it asks. */
class MaterialProvider implements experimental.CertificateProvider {
  #material: TlsMaterial
  readonly #caListeners = new Set<CaListener>()
  readonly #identityListeners = new Set<IdentityListener>()

  constructor(material: TlsMaterial) {
    this.#material = material
  }

  update(material: TlsMaterial): void {
    this.#material = material
    for (const listener of this.#caListeners) this.#tellCa(listener)
    for (const listener of this.#identityListeners) this.#tellIdentity(listener)
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener)
    process.nextTick(() => this.#tellCa(listener))
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener)
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener)
    process.nextTick(() => this.#tellIdentity(listener))
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener)
  }

  #tellCa(listener: CaListener): void {
    listener({ caCertificate: this.#material.ca })
  }

  #tellIdentity(listener: IdentityListener): void {
    listener({ certificate: this.#material.cert, privateKey: this.#material.key })
  }
}
