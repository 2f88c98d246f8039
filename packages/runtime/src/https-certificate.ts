import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Clock } from '@rollcall/core'
import { TlsIdentityError } from './errors.ts'
import { WatchedFiles } from './watched-files.ts'

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
  readonly #files: WatchedFiles<CertificatePair>

  private constructor(files: WatchedFiles<CertificatePair>) {
    this.#files = files
  }

  /** @throws TlsIdentityError */
  static async load(o: ServerCertificateOptions): Promise<ServerCertificate> {
    const isSame = (a: CertificatePair, b: CertificatePair): boolean => a.cert.equals(b.cert) && a.key.equals(b.key)
    const { clock, reloadMs, onRefused } = o
    return new ServerCertificate(
      await WatchedFiles.load({ read: () => readPair(o), isSame, clock, reloadMs, onRefused }),
    )
  }

  /** What is in use now; another object once it was renewed. */
  get pair(): CertificatePair {
    return this.#files.value
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    await this.#files.reload()
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]()
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
  try {
    // guard: public-chain — a chain that TLS cannot read must not end the service when the next client comes
    createSecureContext({ cert, key })
  } catch {
    throw new TlsIdentityError(certFile, 'holds a chain that TLS cannot read')
  }
  return { cert, key }
}

/** @throws TlsIdentityError */
export async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new TlsIdentityError(file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
}
