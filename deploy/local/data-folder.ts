import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Secret, systemRandom } from '@rollcall/core'
import { writePrivateFile } from '@rollcall/dev-env'
import { createNatsKey, createSealingKeys } from '@rollcall/store'
import { ROOT } from '../check/root.ts'

/** Services that seal what they keep. */
const SEALING_SERVICES = ['hss', 'pcscf', 'bsf'] as const

/** One of the two halves of a stack's data is there and the other is not: going on would lose what is left. */
export class DataFolderTornError extends Error {
  override readonly name = 'DataFolderTornError'
}

/**
 * Where one stack keeps everything: `secrets/` (keys and certificates), `nats/` (the store), `ue/` (the UEs' credentials),
 * `log/`. Folders 0700, secrets 0600.
 */
export class DataFolder {
  readonly path: string

  /** @param path default: `ROLLCALL_DATA_DIR`, else `.rollcall` in the checkout. */
  constructor(path: string = process.env.ROLLCALL_DATA_DIR || join(ROOT, '.rollcall')) {
    this.path = resolve(path)
  }

  get pki(): string {
    return join(this.path, 'secrets', 'pki')
  }

  get nats(): string {
    return join(this.path, 'nats')
  }

  /** JetStream's own folder. */
  get storeDir(): string {
    return join(this.nats, 'jetstream')
  }

  get natsKeyFile(): string {
    return join(this.path, 'secrets', 'nats.key')
  }

  get identityHashKeyFile(): string {
    return join(this.path, 'secrets', 'identity-hash.key')
  }

  get ue(): string {
    return join(this.path, 'ue')
  }

  sealingKeysFile(service: string): string {
    return join(this.path, 'secrets', `sealing-${service}.json`)
  }

  logFile(name: string): string {
    return join(this.path, 'log', `${name}.log`)
  }

  /**
   * Makes folders and secrets, once; what is there is kept. Gives the key of JetStream's encryption at rest.
   *
   * @throws DataFolderTornError when the store has data and the secrets are gone. The reverse is found by
   *   `rollcall store init`, whose ledger knows what there was.
   */
  async prepare(): Promise<Secret> {
    if (existsSync(this.storeDir) && !existsSync(this.natsKeyFile)) {
      throw new DataFolderTornError(
        `${this.storeDir} holds a store, but ${this.natsKeyFile} is gone: without that key it cannot be read. ` +
          `Bring secrets/ back, or remove ${this.path} to begin anew.`,
      )
    }
    if (existsSync(`${this.storeDir}.ledger.json`) && !existsSync(this.storeDir)) {
      throw new DataFolderTornError(
        `the secrets in ${this.path} belong to a store that is gone from ${this.storeDir}. ` +
          `Bring it back, or remove ${this.path} to begin anew.`,
      )
    }
    for (const name of ['', 'secrets', 'log', 'ue', 'nats']) {
      await mkdir(join(this.path, name), { recursive: true, mode: 0o700 })
    }
    const key = await writePrivateFile(this.natsKeyFile, createNatsKey(systemRandom).reveal().toString('latin1'))
    await writePrivateFile(this.identityHashKeyFile, systemRandom.bytes(32).toString('hex'))
    for (const service of SEALING_SERVICES) {
      await writePrivateFile(this.sealingKeysFile(service), createSealingKeys(systemRandom))
    }
    return new Secret(key)
  }
}
