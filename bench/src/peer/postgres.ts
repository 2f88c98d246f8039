import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PEER_ADDRESS, POSTGRES_PORT } from '../addresses.ts'
import { ServerProcess } from '../server-process.ts'
import { TemporaryFolder } from '../temporary-folder.ts'
import { postgresFolder, SCHEMA_FOLDER } from './packages.ts'
import { systemUser } from './system-user.ts'

const run = promisify(execFile)

const USER = 'kamailio'
const READY_MS_MAX = 30_000
/** As the peer was measured; the rest is the default of the package. Durability is not a default here, it is said. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_connections: '200',
}

/** A PostgreSQL cluster of the benchmark's own, in a temporary folder, with a password that nobody else knows. */
export class Postgres implements AsyncDisposable {
  readonly process: ServerProcess
  readonly #folder: TemporaryFolder
  readonly #password: string

  private constructor(server: ServerProcess, folder: TemporaryFolder, password: string) {
    this.process = server
    this.#folder = folder
    this.#password = password
  }

  static async start(): Promise<Postgres> {
    const as = systemUser('postgres')
    const bin = postgresFolder()
    const folder = new TemporaryFolder('postgres', as)
    const data = join(folder.path, 'data')
    const password = randomBytes(16).toString('hex')
    const passwordFile = join(folder.path, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (as.uid !== undefined && as.gid !== undefined) chownSync(passwordFile, as.uid, as.gid)
    const init = [
      '-D',
      data,
      '-U',
      USER,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C',
    ]
    await run(join(bin, 'initdb'), init, { ...as, cwd: folder.path })
    const settings = {
      ...SETTINGS,
      listen_addresses: PEER_ADDRESS,
      port: POSTGRES_PORT,
      unix_socket_directories: folder.path,
    }
    const server = new ServerProcess({
      name: 'PostgreSQL',
      command: join(bin, 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      options: { ...as, cwd: folder.path },
      // Ends what is connected, too.
      stopSignal: 'SIGINT',
    })
    const postgres = new Postgres(server, folder, password)
    try {
      const asks = ['-q', '-h', PEER_ADDRESS, '-p', String(POSTGRES_PORT)]
      const isReady = (): Promise<boolean> =>
        run(join(bin, 'pg_isready'), asks).then(
          () => true,
          () => false,
        )
      await server.until(isReady, READY_MS_MAX)
      return postgres
    } catch (error) {
      await postgres[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Makes a database with the tables of Kamailio's presence modules, and gives its URL. */
  async createKamailioDatabase(name: string): Promise<string> {
    await this.#psql('postgres', ['-c', `CREATE DATABASE ${name}`])
    const files = ['standard-create.sql', 'presence-create.sql'].flatMap((file) => ['-f', join(SCHEMA_FOLDER, file)])
    await this.#psql(name, files)
    return `postgres://${USER}:${this.#password}@${PEER_ADDRESS}:${POSTGRES_PORT}/${name}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
    this.#folder[Symbol.dispose]()
  }

  async #psql(database: string, args: readonly string[]): Promise<void> {
    const to = ['-h', PEER_ADDRESS, '-p', String(POSTGRES_PORT), '-U', USER, '-d', database]
    const options = ['--no-psqlrc', '--quiet', '-v', 'ON_ERROR_STOP=1']
    await run(join(postgresFolder(), 'psql'), [...to, ...options, ...args], {
      env: { ...process.env, PGPASSWORD: this.#password },
    })
  }
}
