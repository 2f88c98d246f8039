import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const DAY_MS = 86_400_000

/** The revocation list of an authority, kept by `openssl ca` in the authority's folder. */
export class Revocations {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** `folder` holds `ca.crt` and `ca.key`. Writes a list that names nobody. */
  static async create(folder: string): Promise<Revocations> {
    const revocations = new Revocations(folder)
    const settings = { database: 'index.txt', crlnumber: 'crlnumber', default_md: 'sha256', default_crl_days: '1' }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
    await writeFile(join(folder, 'ca.cnf'), `[ca]\ndefault_ca = d\n[d]\n${lines.join('\n')}\n`)
    await writeFile(join(folder, 'index.txt'), '')
    await writeFile(join(folder, 'crlnumber'), '01\n')
    await revocations.write()
    return revocations
  }

  get file(): string {
    return join(this.#folder, 'ca.crl')
  }

  /** Revokes the certificate in this file and writes the list. */
  async revoke(certFile: string): Promise<void> {
    await this.#openssl('-revoke', certFile)
    await this.write()
  }

  /** Writes the list anew, for a day, or as one that has ended. */
  async write({ isEnded = false } = {}): Promise<void> {
    const nowMs = Date.now()
    const times = isEnded
      ? ['-crl_lastupdate', timeOf(nowMs - 2 * DAY_MS), '-crl_nextupdate', timeOf(nowMs - DAY_MS)]
      : []
    await this.#openssl('-gencrl', '-out', 'ca.crl', ...times)
  }

  async #openssl(...args: readonly string[]): Promise<void> {
    await run('openssl', ['ca', '-config', 'ca.cnf', '-cert', 'ca.crt', '-keyfile', 'ca.key', ...args], {
      cwd: this.#folder,
    })
  }
}

/** A time as `openssl` takes it: YYYYMMDDHHMMSSZ. */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().replace(/\D/g, '').slice(0, 14)}Z`
}

/** A list with other octets behind its times: where it ends can be read, and TLS cannot read it. */
export function brokenBehindTime(pem: string): string {
  const octets = Buffer.from(/-----BEGIN X509 CRL-----([^-]*)/.exec(pem)?.[1] ?? '', 'base64')
  octets.fill(0xff, Math.floor(octets.length * 0.55))
  const lines = octets.toString('base64').replace(/.{64}/g, '$&\n')
  return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`
}
