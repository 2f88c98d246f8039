import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock, Timer } from '@rollcall/core'
import { TlsIdentityError } from './errors.ts'

/** As with a process's own certificate: three small files are cheap to read again. */
const RELOAD_MS = 10_000

/** A certificate with its key, PEM. */
export interface CertificatePair {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface ServerCertificateOptions {
  readonly certFile: string
  readonly keyFile: string
  /** Names that it must be for. */
  readonly names: readonly string[]
  readonly clock: Clock
  readonly reloadMs?: number
  /** Told once of files that cannot be used; the last good ones stay. */
  readonly onRefused?: (error: TlsIdentityError) => void
}

/**
 * The certificate by which UEs know a server, which is no SVID: read again while the server runs. What the files hold
 * wrongly is refused, and the last good pair stays in use.
 */
export class ServerCertificate implements Disposable {
  readonly #o: ServerCertificateOptions
  #pair: CertificatePair
  #timer: Timer | undefined
  #refused: string | undefined

  private constructor(o: ServerCertificateOptions, pair: CertificatePair) {
    this.#o = o
    this.#pair = pair
  }

  /** @throws TlsIdentityError */
  static async load(o: ServerCertificateOptions): Promise<ServerCertificate> {
    const certificate = new ServerCertificate(o, await readPair(o))
    certificate.#watch()
    return certificate
  }

  /** What is in use now; another object once it was renewed. */
  get pair(): CertificatePair {
    return this.#pair
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    try {
      const fresh = await readPair(this.#o)
      this.#refused = undefined
      if (!fresh.cert.equals(this.#pair.cert) || !fresh.key.equals(this.#pair.key)) this.#pair = fresh
    } catch (error) {
      if (!(error instanceof TlsIdentityError)) throw error
      if (this.#refused !== error.message) this.#o.onRefused?.(error)
      this.#refused = error.message
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #watch(): void {
    const { clock, reloadMs = RELOAD_MS } = this.#o
    const again = async (): Promise<void> => {
      await this.reload()
      if (this.#timer) this.#timer = clock.setTimer(reloadMs, again)
    }
    this.#timer = clock.setTimer(reloadMs, again)
  }
}

async function readPair({ certFile, keyFile, names, clock }: ServerCertificateOptions): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([readPem(certFile), readPem(keyFile)])
  let leaf: X509Certificate
  try {
    leaf = new X509Certificate(cert)
  } catch (cause) {
    throw new TlsIdentityError(certFile, 'holds no certificate that can be parsed', { cause })
  }
  let isItsKey: boolean
  try {
    isItsKey = leaf.checkPrivateKey(createPrivateKey(key))
  } catch {
    // The cause is left out: OpenSSL's words about a key stay out of logs.
    throw new TlsIdentityError(keyFile, 'holds no private key in PEM without passphrase')
  }
  if (!isItsKey) throw new TlsIdentityError(keyFile, `is not the key of ${certFile}`)
  if (clock.now() >= leaf.validToDate.getTime()) throw new TlsIdentityError(certFile, `ended at ${leaf.validTo}`)
  for (const name of names) {
    if (leaf.checkHost(name) === undefined) throw new TlsIdentityError(certFile, `is not for ${name}`)
  }
  return { cert, key }
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TlsIdentityError(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}
