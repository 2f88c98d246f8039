import { readFile } from 'node:fs/promises'
import { bsfNameOf, xcapRootOf } from '@rollcall/gba'
import type { Credentials } from '../credentials.ts'
import { CredentialsError } from '../errors.ts'

/** Where a connection goes, and the name that stands in Host and SNI. */
interface Place {
  readonly host: string
  readonly port: number
  readonly name: string
}

/** Where Ut is for one UE. */
export interface UtPlaces {
  readonly bsf: Place & { readonly isTls: boolean }
  readonly naf: Place
  /** Path of the XCAP root, with a slash at its end. */
  readonly rootPath: string
  /** Authorities of the certificates; undefined for the system's. */
  readonly authorities: Buffer | undefined
}

const HTTP_PORT = 80
const HTTPS_PORT = 443

/**
 * Finds BSF and NAF: by what the credentials say, else by their names.
 *
 * @throws CredentialsError when the file with the authorities cannot be read.
 * @see TS 23.003 clauses 13.9 and 16.2; TS 24.109 clause 4.2
 */
export async function findPlaces({ impi, domain, ut = {} }: Credentials): Promise<UtPlaces> {
  const bsfName = bsfNameOf(impi)
  const bsf = new URL(ut.bsf ?? `http://${bsfName}`)
  const isTls = bsf.protocol === 'https:'
  const root = new URL(ut.xcapRoot ?? xcapRootOf(domain))
  return {
    bsf: { host: bsf.hostname, port: portOf(bsf), name: bsfName, isTls },
    naf: { host: ut.ap?.address ?? root.hostname, port: ut.ap?.port ?? portOf(root), name: root.hostname },
    rootPath: root.pathname.endsWith('/') ? root.pathname : `${root.pathname}/`,
    authorities: ut.caFile === undefined ? undefined : await readAuthorities(ut.caFile),
  }
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port)
  return protocol === 'https:' ? HTTPS_PORT : HTTP_PORT
}

async function readAuthorities(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new CredentialsError(file, [`cannot be read (${(cause as NodeJS.ErrnoException).code})`], { cause })
  }
}
