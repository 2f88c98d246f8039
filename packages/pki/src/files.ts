import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Certificates are no secret, but their folder is the keys' too: one rule for all. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** A certificate and its private key, both PEM (PKCS #8). */
export interface PemPair {
  readonly certificate: string
  readonly key: string
}

/** Where a pair lies: `NAME.crt` and `NAME.key`. */
export interface PairFiles {
  readonly certFile: string
  readonly keyFile: string
}

export function pairFiles(folder: string, name: string): PairFiles {
  return { certFile: join(folder, `${name}.crt`), keyFile: join(folder, `${name}.key`) }
}

/** Reads what there is of `NAME.crt` and `NAME.key`. */
export async function readPair(folder: string, name: string): Promise<Partial<PemPair>> {
  const { certFile, keyFile } = pairFiles(folder, name)
  const [certificate, key] = await Promise.all([readIfThere(certFile), readIfThere(keyFile)])
  return { ...(certificate === undefined ? {} : { certificate }), ...(key === undefined ? {} : { key }) }
}

/** Whether both halves are there. */
export function isWhole(pair: Partial<PemPair>): pair is PemPair {
  return pair.certificate !== undefined && pair.key !== undefined
}

/** Writes both files, each whole or not at all: a process that reloads them never sees half a file. */
export async function writePair(folder: string, name: string, pair: PemPair): Promise<PairFiles> {
  const files = pairFiles(folder, name)
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  await replace(files.keyFile, pair.key)
  await replace(files.certFile, pair.certificate)
  return files
}

async function replace(file: string, text: string): Promise<void> {
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, text, { mode: FILE_MODE })
  await rename(fresh, file)
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
