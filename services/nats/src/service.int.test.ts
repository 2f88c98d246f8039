import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock, systemRandom } from '@rollcall/core'
import { obtainNatsServer } from '@rollcall/dev-env'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { createNatsKey, initStore, NATS_SERVER_ROLE, storeAdminRole } from '@rollcall/store'

const ADDRESS = '127.37.0.1'
const PORT = 14_222
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const TRUST_DOMAIN = 'rollcall.test'

/** A process of `main.ts`, and all that it said. */
class Started {
  readonly child: ChildProcess
  output = ''

  constructor(env: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], { env, stdio: 'pipe' })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString('utf8')
        this.child.emit('said')
      })
  }

  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      const said = await Promise.race([once(this.child, 'said'), once(this.child, 'close').then(() => undefined)])
      if (!said) throw new Error(`ended without ${text}: ${this.output}`)
    }
  }

  async end(signal?: NodeJS.Signals): Promise<number | null> {
    const closed = once(this.child, 'close')
    if (signal) this.child.kill(signal)
    await closed
    return this.child.exitCode
  }
}

async function prepare(folder: string): Promise<NodeJS.ProcessEnv> {
  const pki = join(folder, 'pki')
  await createTrustDomain({
    folder: pki,
    trustDomain: TRUST_DOMAIN,
    leaves: [
      { name: NATS_SERVER_ROLE, role: NATS_SERVER_ROLE, dnsNames: ['nats'], ipAddresses: [ADDRESS] },
      { name: storeAdminRole('hss'), role: storeAdminRole('hss'), dnsNames: [] },
    ],
  })
  const { certFile, keyFile, caFile } = leafFiles(pki, NATS_SERVER_ROLE)
  const key = join(folder, 'key')
  await writeFile(key, createNatsKey(systemRandom).reveal())
  return {
    PATH: process.env.PATH,
    ROLLCALL_TLS_CERT_FILE: certFile,
    ROLLCALL_TLS_KEY_FILE: keyFile,
    ROLLCALL_TLS_CA_FILE: caFile,
    ROLLCALL_NATS_LISTEN: `${ADDRESS}:${PORT}`,
    ROLLCALL_NATS_MONITOR_LISTEN: `${ADDRESS}:8222`,
    ROLLCALL_NATS_STORE_DIR: join(folder, 'data', 'jetstream'),
    ROLLCALL_NATS_ENCRYPTION_KEY_FILE: key,
    ROLLCALL_NATS_CONFIG_FILE: join(folder, 'nats.conf'),
    ROLLCALL_NATS_SERVER: (await obtainNatsServer()).path,
  }
}

test('main.ts becomes nats-server, keeps what it holds over a kill, and does not start on it with another key', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-nats-service-'))
  t.after(async () => await rm(folder, { recursive: true }))
  const env = await prepare(folder)
  const init = async (data?: 'first-installation') =>
    await initStore({
      url: `tls://${ADDRESS}:${PORT}`,
      clock: systemClock,
      adminTlsOf: (service) => leafFiles(join(folder, 'pki'), storeAdminRole(service)),
      services: ['hss'],
      streamBytesMax: 16 * 1024 * 1024,
      ...(data && { data }),
    })

  const first = new Started(env)
  await first.says('Server is ready')
  assert.match(await readFile(`/proc/${first.child.pid}/comm`, 'utf8'), /^nats-server/)
  assert.equal((await fetch(`http://${ADDRESS}:8222/healthz?js-server-only=true`)).status, 200)
  assert.deepEqual((await init('first-installation')).created, ['KV_hss'])
  await first.end('SIGKILL')

  const second = new Started(env)
  await second.says('Server is ready')
  assert.deepEqual((await init()).present, ['KV_hss'])
  assert.equal(await second.end('SIGTERM'), 0)

  await writeFile(String(env.ROLLCALL_NATS_ENCRYPTION_KEY_FILE), createNatsKey(systemRandom).reveal())
  const wrong = new Started(env)
  assert.equal(await wrong.end(), 78)
  assert.match(wrong.output, /key/)
  assert.ok(!wrong.output.includes('Server is ready'))
})
