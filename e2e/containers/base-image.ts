import { chmod, cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { ROOT } from '@rollcall/deploy/check/root.ts'
import { run } from '@rollcall/deploy/local/tool.ts'

const TOOL_MS_MAX = 120_000
/** Dockers of all ages read it. */
const PATH_ENV = 'ENV PATH=/usr/local/bin:/usr/bin:/bin'

/** Images that the Dockerfile builds on, made from files of this machine: where no registry is, none can be pulled. */
export interface BaseImages {
  readonly BASE: string
  readonly BUILD_BASE: string
  readonly NATS_BASE: string
}

/** The part of Docker's API that makes an image of an archive. */
type ImportImage = (archive: string, name: string, change: string) => Promise<void>

/**
 * Makes the bases: the pinned Node with the libraries that `ldd` names and nothing else, no shell; the same with the production
 * modules, for the steps of the Dockerfile; and nats-server alone.
 */
export async function importBaseImages(o: {
  natsServer: string
  prefix: string
  importImage: ImportImage
}): Promise<BaseImages> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-base-'))
  const names: BaseImages = {
    BASE: `${o.prefix}/base:1`,
    BUILD_BASE: `${o.prefix}/build-base:1`,
    NATS_BASE: `${o.prefix}/nats-base:1`,
  }
  try {
    const root = join(folder, 'base')
    await makeNodeRoot(root)
    await importFolder(o.importImage, root, names.BASE)
    const assemble = join(ROOT, 'deploy/images/assemble.mjs')
    await run(process.execPath, [assemble, 'base-modules', ROOT, join(root, 'modules')], { timeoutMs: TOOL_MS_MAX })
    await importFolder(o.importImage, root, names.BUILD_BASE)
    const nats = join(folder, 'nats')
    await mkdir(nats)
    await cp(o.natsServer, join(nats, 'nats-server'))
    await importFolder(o.importImage, nats, names.NATS_BASE)
    return names
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeNodeRoot(root: string): Promise<void> {
  for (const name of ['etc', 'usr/local/bin']) await mkdir(join(root, name), { recursive: true })
  await mkdir(join(root, 'tmp'))
  // What is mounted there takes its mode from it.
  await chmod(join(root, 'tmp'), 0o1777)
  const node = await realpath(process.execPath)
  await cp(node, join(root, 'usr/local/bin/node'))
  const said = await run('ldd', [node], { timeoutMs: TOOL_MS_MAX })
  const libraries = [...said.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map((match) => String(match[1]))
  // getaddrinfo opens these by name; newer libraries of C have them built in.
  const lookups = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].flatMap((name) => {
    const beside = libraries.find((file) => /\/libc\.so\.6$/.test(file))
    return beside ? [join(dirname(beside), name)] : []
  })
  for (const file of [...libraries, ...lookups]) {
    const to = join(root, file)
    await mkdir(dirname(to), { recursive: true })
    await cp(await realpath(file), to).catch((error: unknown) => {
      if (!lookups.includes(file)) throw error
    })
  }
  await writeFile(join(root, 'etc/nsswitch.conf'), 'hosts: files dns\n')
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/sbin/nologin\nrollcall:x:10001:10001::/:/sbin/nologin\n')
  await writeFile(join(root, 'etc/group'), 'root:x:0:\nrollcall:x:10001:\n')
}

async function importFolder(importImage: ImportImage, folder: string, name: string): Promise<void> {
  const archive = join(dirname(folder), `${basename(folder)}.tar`)
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--sort=name']
  await run('tar', [...owner, '-C', folder, '-cf', archive, '.'], { timeoutMs: TOOL_MS_MAX })
  await importImage(archive, name, PATH_ENV)
  await rm(archive)
}
