import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, statfs, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '@rollcall/core'
import type { DataFolder } from '@rollcall/deploy/local/data-folder.ts'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { leafFiles } from '@rollcall/pki'
import { connectStore, PartitionLogs, partitionOf } from '@rollcall/store'
import { CorePublication } from '../support/core/core-presence.ts'
import { CoreUe } from '../support/core/core-ue.ts'
import { History } from '../support/history/history.ts'
import { REALM, TestNetwork, type TestNetworkOptions } from '../support/network.ts'

const run = promisify(execFile)

/** Enough that each of 16 partitions has some, nearly for sure. */
const PUBLICATIONS = 64
const PARTITIONS = 16
/** A partition is read, found broken and given up; a store that is well again is found. */
const SETTLE_MS_MAX = 30_000
/** A disk so small that a test fills it. */
const DISK = '24m'
/** What is left for NATS once the disk is filled by something else. */
const LEFT_OCTETS = 300_000
/** A record of a format that no release has written. */
const UNREADABLE_RECORD = Buffer.from([0x08, 99])

/** A network with publications all over the partitions. */
class Scene implements AsyncDisposable {
  readonly network: TestNetwork
  readonly publications: readonly CorePublication[]

  private constructor(network: TestNetwork, publications: readonly CorePublication[]) {
    this.network = network
    this.publications = publications
  }

  static async start(o: Pick<TestNetworkOptions, 'onFolder'> = {}): Promise<Scene> {
    const network = await TestNetwork.start({ block: 27, played: ['scscf'], isTraced: false, ...o })
    const client = await network.play('scscf', new History(() => performance.now()))
    const users = await network.coreUsers('damage', PUBLICATIONS, 0)
    const scene = new Scene(
      network,
      users.map((user) => new CorePublication(new CoreUe(client, user))),
    )
    assert.deepEqual(await scene.publishAll(), new Map([[200, PUBLICATIONS]]))
    return scene
  }

  /** Everybody publishes; gives how many were answered with each status. */
  async publishAll(publications = this.publications): Promise<Map<number, number>> {
    const counts = new Map<number, number>()
    for (const status of await Promise.all(publications.map((one) => one.publish({ giveUpMs: 5_000 })))) {
      counts.set(status, (counts.get(status) ?? 0) + 1)
    }
    return counts
  }

  of(partition: number): CorePublication[] {
    return this.publications.filter(({ ue }) => partitionOf(ue.user.impu, PARTITIONS) === partition)
  }

  notOf(partition: number): CorePublication[] {
    return this.publications.filter(({ ue }) => partitionOf(ue.user.impu, PARTITIONS) !== partition)
  }

  /** Waits until everybody's PUBLISH is answered 200 again. */
  async isWell(): Promise<void> {
    await waitUntil(
      'everybody may publish again',
      async () => (await this.publishAll()).get(200) === PUBLICATIONS,
      SETTLE_MS_MAX,
    )
    const losses = this.publications.flatMap((publication) => publication.losses)
    assert.deepEqual(losses, [], 'what was answered 200 is there')
  }

  async readiness(): Promise<{ ok: boolean; text: string }> {
    try {
      const response = await fetch(`http://${this.network.stack.probe('presence')}/readyz`)
      return { ok: response.ok, text: await response.text() }
    } catch {
      return { ok: false, text: '' }
    }
  }

  async untilNotReady(reason: RegExp): Promise<void> {
    let said = ''
    const isSo = async (): Promise<boolean> => {
      const { ok, text } = await this.readiness()
      said = text
      return !ok && reason.test(text)
    }
    try {
      await waitUntil(`readiness says ${reason}`, isSo, SETTLE_MS_MAX)
    } catch (cause) {
      throw new Error(`readiness said last: ${said}`, { cause })
    }
  }

  async untilLogged(words: RegExp): Promise<void> {
    const { stack, data } = this.network
    const isLogged = async (): Promise<boolean> => {
      await stack.service('presence').flushLog()
      return words.test(await readFile(data.logFile(stack.service('presence').name), 'utf8'))
    }
    await waitUntil(`the log says ${words}`, isLogged, SETTLE_MS_MAX)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.network[Symbol.asyncDispose]()
  }
}

/** The folder of a stream of the Presence Server's. */
function streamFolder(data: DataFolder, stream: string): string {
  return join(data.storeDir, 'jetstream', 'PRESENCE', 'streams', stream)
}

test('a record that nobody can read is named, its partition is not served, the others are', async () => {
  await using scene = await Scene.start()
  const { stack, data } = scene.network
  const partition = partitionOf(scene.publications[0]?.ue.user.impu ?? '', PARTITIONS)
  await using connection = await connectStore({
    url: stack.natsUrl,
    tls: leafFiles(data.pki, 'presence'),
    service: 'presence',
    clock: systemClock,
  })
  const logs = await PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock: systemClock })
  const taken = await logs.take(partition, () => {})
  await taken.append(UNREADABLE_RECORD)
  await taken.release()
  // Its owner finds out at its next append, and reads the partition again.
  await scene.publishAll(scene.of(partition))
  await scene.untilNotReady(/1 of 16 assigned partitions are not served\s+PRESENCE_RECORD_UNREADABLE/)
  await scene.untilLogged(new RegExp(`"partition":${partition},.*unreadable record: format 99`))
  assert.deepEqual([...(await scene.publishAll(scene.of(partition))).keys()], [503])
  assert.deepEqual([...(await scene.publishAll(scene.notOf(partition))).keys()], [200])
  assert.deepEqual(scene.network.unexpectedEnds, [])
})

test('bits that turned over on the disk are noticed and named with their place; the other partitions are served', async () => {
  await using scene = await Scene.start()
  const { stack, data } = scene.network
  // Behind what is damaged there must be more of the same partition: the last of a log has nothing that follows it.
  for (let round = 0; round < 6; round++) await scene.publishAll()
  await stack.service('presence').stop()
  await stack.nats.stop()
  const folder = join(streamFolder(data, 'presence_log_1'), 'msgs')
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.blk')) continue
    const octets = await readFile(join(folder, name))
    const middle = Math.floor(octets.length / 3)
    for (let at = middle; at < middle + 16; at++) octets[at] = ~(octets[at] ?? 0)
    await writeFile(join(folder, name), octets)
  }
  await stack.nats.start()
  stack.service('presence').spawn()
  // What nats-server makes of it depends on where its index stood: a hole, or an end that is cut off.
  await scene.untilNotReady(/of 16 assigned partitions are not served[\s\S]*(?:STORE_LOG_CORRUPT|is broken at)/)
  await scene.untilLogged(
    /log\.\d+ is broken at sequence \d+: it (?:expected sequence \d+, but follows \d+|is the last record in stream)/,
  )
  const answers = await scene.publishAll()
  assert.ok((answers.get(200) ?? 0) >= PUBLICATIONS / 2, 'the others are served')
  assert.deepEqual(
    [...answers.keys()].filter((status) => status !== 200 && status !== 503),
    [],
  )
  assert.deepEqual(
    scene.publications.flatMap(({ losses }) => losses),
    [],
    'nobody is answered as if nothing had been there',
  )
  assert.deepEqual(scene.network.unexpectedEnds, [])
})

test('a stream that is missing is named and not made anew; when it is back, all is there', async () => {
  await using scene = await Scene.start()
  const { stack, data } = scene.network
  const folder = streamFolder(data, 'presence_log_1')
  const aside = join(data.path, 'aside')
  await stack.service('presence').stop()
  await stack.nats.stop()
  await rename(folder, aside)
  await stack.nats.start()
  stack.service('presence').spawn()
  await scene.untilNotReady(/STORE_STREAM_MISSING/)
  await scene.untilLogged(/presence_log_1/)
  // What is not open takes nothing from its peers, of which a real S-CSCF would say 503.
  assert.deepEqual([...(await scene.publishAll()).keys()], [0])
  await assert.rejects(stack.initStore(), /presence_log_1/)
  await stack.nats.stop()
  await rm(folder, { recursive: true, force: true })
  await rename(aside, folder)
  await stack.nats.start()
  await scene.isWell()
  assert.deepEqual(scene.network.unexpectedEnds, [])
})

test('on a full disk writes are answered 503 and nothing answered 200 is lost; with room and NATS started again all goes on', {
  skip: process.getuid?.() === 0 ? false : 'only root may mount a small disk',
}, async () => {
  const disk = await mkdtemp(join(tmpdir(), 'rollcall-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', disk])
  try {
    const store = join(disk, 'store')
    await mkdir(store, { mode: 0o700 })
    await using scene = await Scene.start({ onFolder: ({ storeDir }) => symlink(store, storeDir) })
    const { stack } = scene.network
    const { bavail, bsize } = await statfs(disk)
    const ballast = join(disk, 'ballast')
    await writeFile(ballast, Buffer.alloc(bavail * bsize - LEFT_OCTETS))
    await waitUntil(
      'the disk is full, and everybody is told so',
      async () => (await scene.publishAll()).get(503) === PUBLICATIONS,
      SETTLE_MS_MAX,
    )
    await scene.untilNotReady(/./)
    for (const { service, pid } of stack.processes) assert.ok(pid, `${service} runs on`)
    await rm(ballast)
    // A nats-server that could not write does not write again before it is started anew.
    await stack.nats.restart()
    await scene.isWell()
    await stack.ready()
    assert.deepEqual(scene.network.unexpectedEnds, [])
  } finally {
    await run('umount', ['-l', disk])
    await rm(disk, { recursive: true })
  }
})
