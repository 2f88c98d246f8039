import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Clock } from '@rollcall/core'
import { readPem, TlsIdentityError, WatchedFiles } from '@rollcall/runtime'
import { InvalidCrlError } from '../errors.ts'
import { readRevocationLists } from './crl.ts'

/** By what certificates of UEs are judged. */
export interface UeTrust {
  readonly ca: Buffer
  /** PEM, one each; empty when nothing is looked up. */
  readonly crl: readonly string[]
  /** When the first of them ends: from then on no certificate is taken. */
  readonly crlEndMs: number | undefined
}

export interface UeAuthoritiesOptions {
  readonly caFile: string
  readonly crlFile: string | undefined
  readonly clock: Clock
  readonly reloadMs?: number
  readonly onRefused?: (error: TlsIdentityError) => void
  /** Told once of a list that has ended. */
  readonly onEnded?: (endMs: number) => void
}

/**
 * The authorities of UEs' certificates and their revocation lists, read again while the proxy runs. Files that cannot be used
 * are refused, and the last good ones stay. `Choice:` lists that have ended let nobody in by certificate, as TLS has it:
 * who was revoked since cannot be known. UEs with keys of GBA or passwords are not touched by that.
 *
 * @see TS 33.222 clause 5.5, RFC 5280 section 5
 */
export class UeAuthorities implements Disposable {
  readonly #files: WatchedFiles<UeTrust>

  private constructor(files: WatchedFiles<UeTrust>) {
    this.#files = files
  }

  /** @throws TlsIdentityError */
  static async load(o: UeAuthoritiesOptions): Promise<UeAuthorities> {
    const { clock, reloadMs, onRefused } = o
    let toldMs: number | undefined
    const read = async (): Promise<UeTrust> => {
      const trust = await readTrust(o)
      const { crlEndMs } = trust
      const isEnded = crlEndMs !== undefined && crlEndMs <= clock.now()
      if (isEnded && toldMs !== crlEndMs) o.onEnded?.(crlEndMs)
      toldMs = isEnded ? crlEndMs : undefined
      return trust
    }
    return new UeAuthorities(await WatchedFiles.load({ read, isSame: isSameTrust, clock, reloadMs, onRefused }))
  }

  /** In use now; another object once a file was renewed. */
  get trust(): UeTrust {
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

function isSameTrust(a: UeTrust, b: UeTrust): boolean {
  return a.ca.equals(b.ca) && a.crl.join('') === b.crl.join('')
}

async function readTrust({ caFile, crlFile }: UeAuthoritiesOptions): Promise<UeTrust> {
  const ca = await readAuthorities(caFile)
  if (crlFile === undefined) return { ca, crl: [], crlEndMs: undefined }
  const text = (await readPem(crlFile)).toString('latin1')
  try {
    const lists = readRevocationLists(text)
    const crl = lists.map(({ pem }) => pem)
    // guard: ue-crl-form — a list that TLS cannot read must not end the proxy when the next UE comes
    tryInTls(crlFile, { ca, crl }, 'holds a revocation list that TLS cannot read')
    const ends = lists.flatMap(({ nextUpdateMs }) => nextUpdateMs ?? [])
    return { ca, crl, crlEndMs: ends.length === 0 ? undefined : Math.min(...ends) }
  } catch (cause) {
    if (!(cause instanceof InvalidCrlError)) throw cause
    throw new TlsIdentityError(crlFile, cause.message, { cause })
  }
}

const CERTIFICATE_BEGIN = '-----BEGIN CERTIFICATE-----'
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----/g

/** TLS itself stops in silence at the first certificate of a bundle that it cannot read. */
async function readAuthorities(file: string): Promise<Buffer> {
  const ca = await readPem(file)
  const text = ca.toString('latin1')
  const blocks = text.match(CERTIFICATE) ?? []
  if (blocks.length === 0) throw new TlsIdentityError(file, 'holds no certificate in PEM')
  const problem = 'holds a certificate that cannot be parsed'
  // guard: ue-ca-bundle — an authority that is left out in silence would shut all of its UEs out
  if (blocks.length !== text.split(CERTIFICATE_BEGIN).length - 1) throw new TlsIdentityError(file, problem)
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (cause) {
      throw new TlsIdentityError(file, problem, { cause })
    }
  }
  tryInTls(file, { ca }, problem)
  return ca
}

/** @throws TlsIdentityError for what TLS does not take. */
function tryInTls(file: string, options: SecureContextOptions, problem: string): void {
  try {
    createSecureContext(options)
  } catch (cause) {
    throw new TlsIdentityError(file, problem, { cause })
  }
}
