import { readFile } from 'node:fs/promises'
import type { Qop } from '@rollcall/digest'
import { nafRealmOf } from '@rollcall/gba'
import { field, type Role } from '@rollcall/runtime'
import { z } from 'zod'
import { NafsError } from '../errors.ts'
import { MEANS, type Means } from '../ua/user.ts'

/** By which identifier the key of digest inside TLS is derived (TS 33.220 annex H.3). */
export const UA_PROTOCOLS = ['cipher-suite', 'http-digest'] as const

export type UaProtocol = (typeof UA_PROTOCOLS)[number]

/**
 * Who may be behind a route: the roles whose certificates the proxy speaks to. The Presence Server alone has documents as
 * yet; a server that joins it, as the List Server's, is one more word here.
 */
const ZB_ROLES = ['presence'] as const satisfies readonly Role[]

/** Where the documents of some application usages are. */
export interface Route {
  /** Application usages; `*` for all that no other route names. */
  readonly auids: readonly string[]
  /** Replicas, `HOST:PORT`. */
  readonly targets: readonly string[]
  /** What the certificates of these replicas must say. */
  readonly role: Role
}

/**
 * One application server's name on this proxy: to a UE it is the server itself, with a Ks_NAF of its own.
 *
 * @see TS 24.109 clause 7, TS 24.109 annex D.2, TS 33.222 clause 6.1
 */
export interface Naf {
  readonly fqdn: string
  readonly means: ReadonlySet<Means>
  /** Tried in this order. */
  readonly uaProtocols: readonly UaProtocol[]
  /** Security settings that say who the user may be; the first that is there counts (TS 29.109 annex B). */
  readonly gsids: readonly number[]
  /** Path below which XCAP is: begins and ends with `/`. */
  readonly xcapRoot: string
  readonly routes: readonly Route[]
  readonly gbaRealm: string
}

/** What is offered, in this order: a client that takes the first takes the cheaper one, for TLS protects the body (TS 24.109 clause 5.3.5). */
export const QOPS: readonly Qop[] = ['auth', 'auth-int']

/** What each NAF has unless the file says otherwise. */
export interface NafDefaults {
  readonly means: readonly Means[]
  readonly uaProtocols: readonly UaProtocol[]
  readonly targets: readonly string[]
}

/** 2 is the authentication proxy's, 3 presence's own (TS 29.109 annex B). */
const GSIDS = [3, 2]
const FILE_OCTETS_MAX = 256 * 1024
const NAFS_MAX = 100

const fqdn = field.domain({ is: 'name of the NAF', example: 'xcap.home1.net' })
const NafsFile = z.strictObject({
  nafs: z
    .array(
      z.strictObject({
        fqdn,
        means: z.array(z.enum(MEANS)).optional(),
        uaProtocols: z.array(z.enum(UA_PROTOCOLS)).min(1).optional(),
        gsids: z.array(z.int().min(0).max(999_999)).max(16).optional(),
        xcapRoot: z
          .string()
          .regex(/^\/(?:(?!\.{1,2}\/)[A-Za-z0-9._-]+\/)*$/)
          .optional(),
        routes: z
          .array(
            z.strictObject({
              auids: z.array(z.string().regex(/^(?:\*|[A-Za-z0-9._-]+)$/)).min(1),
              targets: z.array(z.string().regex(/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/)).min(1),
              role: z.enum(ZB_ROLES).default('presence'),
            }),
          )
          .min(1)
          .optional(),
      }),
    )
    .min(1)
    .max(NAFS_MAX),
})

type NafEntry = z.output<typeof NafsFile>['nafs'][number]

/** A NAF with what the settings say, where its entry says nothing. */
export function nafOf(entry: NafEntry, defaults: NafDefaults): Naf {
  return {
    fqdn: entry.fqdn,
    means: new Set(entry.means ?? defaults.means),
    uaProtocols: entry.uaProtocols ?? defaults.uaProtocols,
    gsids: entry.gsids ?? GSIDS,
    xcapRoot: entry.xcapRoot ?? '/',
    routes: entry.routes ?? [{ auids: ['*'], targets: defaults.targets, role: 'presence' }],
    gbaRealm: nafRealmOf(entry.fqdn),
  }
}

/**
 * Reads the file of NAFs, `{"nafs": [{"fqdn", "means", "uaProtocols", "gsids", "xcapRoot", "routes"}]}`, a route
 * `{"auids", "targets", "role"}`.
 *
 * @throws NafsError naming what is wrong with it.
 */
export async function readNafs(file: string, defaults: NafDefaults): Promise<Naf[]> {
  let json: unknown
  try {
    const text = await readFile(file, 'utf8')
    if (text.length > FILE_OCTETS_MAX) throw new NafsError(`${file}: is over ${FILE_OCTETS_MAX} octets long`)
    json = JSON.parse(text)
  } catch (cause) {
    if (cause instanceof NafsError) throw cause
    throw new NafsError(`${file}: cannot be read as JSON`, { cause })
  }
  const parsed = NafsFile.safeParse(json)
  if (!parsed.success) throw new NafsError(`${file}: ${z.prettifyError(parsed.error)}`)
  return parsed.data.nafs.map((entry) => nafOf(entry, defaults))
}

/** The NAFs of one proxy, by name. */
export class NafTable {
  readonly #byFqdn: ReadonlyMap<string, Naf>

  constructor(nafs: readonly Naf[]) {
    this.#byFqdn = new Map(nafs.map((naf) => [naf.fqdn, naf]))
  }

  get all(): Naf[] {
    return [...this.#byFqdn.values()]
  }

  /** The one that `name` means, whatever its case. */
  find(name: string): Naf | undefined {
    return this.#byFqdn.get(name.toLowerCase())
  }

  /** The only one, for a UE that names none. */
  get only(): Naf | undefined {
    return this.#byFqdn.size === 1 ? this.all[0] : undefined
  }

  /** Whether any has this means open. */
  hasOpen(means: Means): boolean {
    return this.all.some((naf) => naf.means.has(means))
  }
}
