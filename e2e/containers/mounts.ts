import { chown, copyFile, mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MOUNTED_FILES } from '@rollcall/deploy/local/mounted-files.ts'

const UID = 10_001
const FOLDER_MODE = 0o500

/** Files of this machine, by the path at which a container finds them. */
export type MountedFiles = Readonly<Record<string, string>>

/**
 * Copies files into `folder` as a cluster's Secrets are mounted: each at its path below /etc/rollcall, for the container's user
 * alone. `folder` is mounted at /etc/rollcall.
 */
export async function prepareMount(folder: string, files: MountedFiles): Promise<void> {
  for (const [path, source] of Object.entries(files)) {
    const target = join(folder, path.replace(/^\/etc\/rollcall\//, ''))
    await mkdir(dirname(target), { recursive: true, mode: FOLDER_MODE })
    await copyFile(source, target)
  }
  await give(folder)
}

/** Gives a folder and all in it to the container's user. */
export async function give(folder: string): Promise<void> {
  await chown(folder, UID, UID)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chown(join(entry.parentPath, entry.name), UID, UID)
}

/** A certificate's three files at the paths of a container. */
export function tlsMount(files: { certFile: string; keyFile: string; caFile: string }): MountedFiles {
  const { certFile, keyFile, caFile } = MOUNTED_FILES.tls
  return { [certFile]: files.certFile, [keyFile]: files.keyFile, [caFile]: files.caFile }
}

/** The certificate that UEs see. */
export function publicTlsMount(files: { certFile: string; keyFile: string }): MountedFiles {
  const { certFile, keyFile } = MOUNTED_FILES.publicTls
  return { [certFile]: files.certFile, [keyFile]: files.keyFile }
}

/** Certificates of several roles in one folder, as `rollcall store init --tls-dir` reads them. */
export function adminMount(folder: string, files: readonly string[]): MountedFiles {
  return Object.fromEntries(files.map((file) => [`/etc/rollcall/${folder}/${basename(file)}`, file]))
}
