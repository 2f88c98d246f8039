import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { AkaKeys } from '@rollcall/aka'
import { type Impi, type Impu, parseImpi, parseImpu, type RollcallError, Secret } from '@rollcall/core'
import { type Endpoint, formatEndpoint, parseEndpoint } from './endpoint.ts'
import { CredentialsError } from './errors.ts'
import { writePrivateFile } from './private-file.ts'

/** What a UE is made of: its ISIM application, and where it finds its P-CSCF. */
export interface Credentials {
  readonly impi: Impi
  /** The public identities of the ISIM; the first one is registered, and with it its implicit set. */
  readonly impus: readonly [Impu, ...Impu[]]
  /** The home network's domain. */
  readonly domain: string
  readonly keys: AkaKeys
  /** The P-CSCF's unprotected port: a name would need discovery, which is not built. */
  readonly pcscf: Endpoint
  /** The P-CSCF's encapsulation socket; no header carries it (TS 33.203 annex M). */
  readonly encapsulation: Endpoint
  readonly localAddress: string
  /** URN of the device (RFC 7254), `+sip.instance` of its contact. */
  readonly instance: string
  /** Where Ut is, when it is not where the names of TS 23.003 lead. */
  readonly ut?: UtPlaces | undefined
}

/** Places of Ut. What is absent is found by its name (TS 23.003 clauses 13.9 and 16.2). */
export interface UtPlaces {
  /** The BSF as `http://ADDRESS:PORT` or `https://…`: only where it is, its name comes from the IMPI. */
  readonly bsf?: string | undefined
  /** The XCAP root; its host is the NAF's FQDN. */
  readonly xcapRoot?: string | undefined
  /** The Authentication Proxy; SNI, Host and realm stay those of the XCAP root. */
  readonly ap?: Endpoint | undefined
  /** Authorities of the BSF's and the AP's certificates (PEM); the system's when absent. */
  readonly caFile?: string | undefined
}

/** Octets of K and OPc of Milenage, of K and TOPc of TUAK (TS 35.205 clause 3, TS 35.231 clause 5). */
const MILENAGE_OCTETS = [16]
const TUAK_K_OCTETS = [16, 32]
const TOPC_OCTETS = [32]
const KNOWN_FIELDS = new Set([
  'impi',
  'impus',
  'domain',
  'k',
  'opc',
  'topc',
  'algorithm',
  'pcscf',
  'encapsulation',
  'localAddress',
  'instance',
  'bsf',
  'xcapRoot',
  'ap',
  'caFile',
])

/**
 * Reads a credentials file.
 *
 * @throws CredentialsError
 */
export async function loadCredentials(file: string): Promise<Credentials> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new CredentialsError(file, [`cannot be read (${(cause as NodeJS.ErrnoException).code})`], { cause })
  }
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The cause would show a piece of the text, and the text has K in it.
    throw new CredentialsError(file, ['is no JSON'])
  }
  const credentials = parseCredentials(json, file)
  const { ut } = credentials
  // A file that is named beside this one goes wherever both go.
  return ut?.caFile ? { ...credentials, ut: { ...ut, caFile: resolve(dirname(file), ut.caFile) } } : credentials
}

/** Writes a credentials file for its owner's eyes alone. The only place where K leaves a `Secret` for a file. */
export async function saveCredentials(file: string, credentials: Credentials): Promise<void> {
  const { impi, impus, domain, keys, pcscf, encapsulation, localAddress, instance, ut } = credentials
  const json = {
    impi,
    impus,
    domain,
    k: keys.k.reveal().toString('hex'),
    ...('topc' in keys ? { topc: keys.topc.reveal().toString('hex') } : { opc: keys.opc.reveal().toString('hex') }),
    algorithm: 'topc' in keys ? 'tuak' : 'milenage',
    pcscf: `udp:${formatEndpoint(pcscf)}`,
    encapsulation: formatEndpoint(encapsulation),
    localAddress,
    instance,
    ...(ut && { ...ut, ap: ut.ap && formatEndpoint(ut.ap) }),
  }
  await writePrivateFile(file, `${JSON.stringify(json, undefined, 2)}\n`)
}

/** Where the ISIM that belongs to a credentials file keeps its state. */
export function isimStateFile(credentialsFile: string): string {
  return `${credentialsFile}.state`
}

/**
 * Reads what a credentials file holds. `source` names it in the error.
 *
 * @throws CredentialsError with every problem.
 */
export function parseCredentials(json: unknown, source: string): Credentials {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CredentialsError(source, ['is no JSON object'])
  }
  const fields = new Map<string, unknown>(Object.entries(json))
  const reader = new FieldReader(fields)
  for (const name of fields.keys()) if (!KNOWN_FIELDS.has(name)) reader.problems.push(`${name} is unknown`)
  const impi = reader.identity('impi', parseImpi)
  const impus = reader.impus()
  const domain = reader.matching('domain', /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/, 'a domain name in lower case')
  const keys = reader.keys()
  const pcscf = reader.endpoint('pcscf', 'udp:')
  const encapsulation = reader.endpoint('encapsulation', '')
  const localAddress = reader.text('localAddress')
  if (localAddress !== undefined && !isIPv4(localAddress)) reader.problems.push('localAddress must be an IPv4 address')
  const instance = reader.matching('instance', /^urn:[a-z0-9][a-z0-9-]{1,31}:[!-~]{1,128}$/i, 'a URN')
  const ut = reader.ut()
  if (reader.problems.length > 0) throw new CredentialsError(source, reader.problems)
  if (!impi || !impus || !domain || !keys || !pcscf || !encapsulation || !localAddress || !instance) {
    throw new CredentialsError(source, ['is incomplete'])
  }
  return { impi, impus, domain, keys, pcscf, encapsulation, localAddress, instance, ...(ut && { ut }) }
}

/** Reads fields one by one and gathers what is wrong with them. Never repeats a value: some are keys. */
class FieldReader {
  readonly problems: string[] = []
  readonly #fields: ReadonlyMap<string, unknown>

  constructor(fields: ReadonlyMap<string, unknown>) {
    this.#fields = fields
  }

  text(name: string): string | undefined {
    const value = this.#fields.get(name)
    if (typeof value === 'string' && value !== '') return value
    this.problems.push(value === undefined ? `${name} is missing` : `${name} must be a text`)
    return undefined
  }

  matching(name: string, pattern: RegExp, what: string): string | undefined {
    const text = this.text(name)
    if (text === undefined || pattern.test(text)) return text
    this.problems.push(`${name} must be ${what}`)
    return undefined
  }

  identity<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    try {
      return parse(text)
    } catch (error) {
      if ((error as RollcallError).code !== 'INVALID_IDENTITY') throw error
      this.problems.push(`${name} is no identity`)
      return undefined
    }
  }

  impus(): readonly [Impu, ...Impu[]] | undefined {
    const value = this.#fields.get('impus')
    if (!Array.isArray(value) || value.length === 0) {
      this.problems.push('impus must be a list of one public identity or more')
      return undefined
    }
    const impus: Impu[] = []
    for (const [index, text] of value.entries()) {
      try {
        impus.push(parseImpu(String(text)))
      } catch {
        this.problems.push(`impus[${index}] is no public identity`)
      }
    }
    const [first, ...others] = impus
    return first === undefined ? undefined : [first, ...others]
  }

  /** K and the constant of the algorithm; that of the other one must not be there. */
  keys(): AkaKeys | undefined {
    const algorithm = this.text('algorithm')
    if (algorithm !== undefined && algorithm !== 'milenage' && algorithm !== 'tuak') {
      this.problems.push('algorithm must be milenage or tuak')
      return undefined
    }
    const isTuak = algorithm === 'tuak'
    const stray = isTuak ? 'opc' : 'topc'
    if (this.#fields.has(stray)) this.problems.push(`${stray} does not belong to ${algorithm ?? 'milenage'}`)
    const k = this.#key('k', isTuak ? TUAK_K_OCTETS : MILENAGE_OCTETS)
    const constant = isTuak ? this.#key('topc', TOPC_OCTETS) : this.#key('opc', MILENAGE_OCTETS)
    if (!k || !constant) return undefined
    return isTuak ? { k, topc: constant } : { k, opc: constant }
  }

  /** Everything of it may be absent. */
  ut(): UtPlaces | undefined {
    const has = (name: string): boolean => this.#fields.has(name)
    if (!['bsf', 'xcapRoot', 'ap', 'caFile'].some(has)) return undefined
    return {
      ...(has('bsf') && {
        bsf: this.matching('bsf', /^https?:\/\/[a-z0-9.-]{1,253}(?::\d{1,5})?$/, 'http://HOST:PORT'),
      }),
      ...(has('xcapRoot') && {
        xcapRoot: this.matching('xcapRoot', /^https:\/\/[a-z0-9.-]{1,253}(?:\/[!-~]{0,128})?$/, 'https://HOST/'),
      }),
      ...(has('ap') && { ap: this.endpoint('ap', '') }),
      ...(has('caFile') && { caFile: this.text('caFile') }),
    }
  }

  #key(name: 'k' | 'opc' | 'topc', octets: readonly number[]): Secret | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^[0-9a-f]*$/i.test(text) && octets.includes(text.length / 2)) return Secret.fromHex(text)
    this.problems.push(`${name} must be ${octets.map((count) => 2 * count).join(' or ')} hexadecimal digits`)
    return undefined
  }

  endpoint(name: string, prefix: string): Endpoint | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const endpoint = text.startsWith(prefix) ? parseEndpoint(text.slice(prefix.length)) : undefined
    if (!endpoint) this.problems.push(`${name} must be ${prefix}ADDRESS:PORT`)
    return endpoint
  }
}
