import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { Algorithm } from '@rollcall/proto-gen/admin'
import { RpcError } from '@rollcall/runtime'
import { CredentialsError } from '@rollcall/ue'
import { UE_NAMES } from './people.ts'
import { provisionWorld, WorldMismatchError } from './provision.ts'
import { prepareWorld, type WorldOptions } from './world.ts'

const DOMAIN = 'ims.mnc001.mcc001.3gppnetwork.org'

async function withFolder(work: (options: WorldOptions) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-world-'))
  const network = {
    pcscf: { address: '127.0.0.1', port: 15_060 },
    encapsulation: { address: '127.0.0.1', port: 14_500 },
  }
  try {
    await work({ folder: join(folder, 'ue'), domain: DOMAIN, ...network })
  } finally {
    await rm(folder, { recursive: true })
  }
}

test('each UE has credentials of its own, for its owner alone', () =>
  withFolder(async (options) => {
    const world = await prepareWorld(options)
    assert.deepEqual((await readdir(options.folder)).toSorted(), UE_NAMES.map((name) => `${name}.json`).toSorted())
    for (const name of UE_NAMES) assert.equal((await stat(world.fileOf(name))).mode & 0o777, 0o600)
    const all = Object.values(world.credentials)
    for (const field of ['impi', 'localAddress', 'instance'] as const) {
      assert.equal(new Set(all.map((one) => one[field])).size, all.length, field)
    }
    assert.equal(new Set(all.map(({ keys }) => keys.k.reveal().toString('hex'))).size, all.length)
    assert.equal(world.credentials['alice-phone'].impi, `001010000000001@${DOMAIN}`)
    assert.equal(world.credentials['alice-phone'].localAddress, '127.0.1.1')
  }))

test('alice is one subscriber with three ISIMs and a number; mallory is blocked', () =>
  withFolder(async (options) => {
    const { subscribers } = await prepareWorld(options)
    assert.deepEqual(
      subscribers.map(({ subscriptionId, privateIdentities }) => [subscriptionId, privateIdentities.length]),
      [
        ['alice', 3],
        ['bob', 2],
        ['carol', 2],
        ['mallory', 2],
      ],
    )
    const [alice] = subscribers
    assert.deepEqual(
      alice?.serviceProfile?.publicIdentities.map(({ identity }) => identity),
      [`sip:alice@${DOMAIN}`, 'tel:+15550100'],
    )
    assert.deepEqual(alice?.presencePolicy, { defaultAllow: true, allow: [], block: [`sip:mallory@${DOMAIN}`] })
  }))

test('carol has TUAK, the others Milenage, and her files keep it (TS 35.231 clause 5)', () =>
  withFolder(async (options) => {
    const { subscribers } = await prepareWorld(options)
    for (const { subscriptionId, privateIdentities } of (await prepareWorld(options)).subscribers) {
      for (const { algorithm, k, opc, topc } of privateIdentities) {
        const isTuak = subscriptionId === 'carol'
        assert.equal(algorithm, isTuak ? Algorithm.ALGORITHM_TUAK : Algorithm.ALGORITHM_MILENAGE)
        assert.deepEqual([k.length, opc.length, topc.length], isTuak ? [32, 0, 32] : [16, 16, 0])
      }
    }
    assert.deepEqual((await prepareWorld(options)).subscribers, subscribers)
  }))

test('a second start keeps the keys, also when the network has moved', () =>
  withFolder(async (options) => {
    const first = await prepareWorld(options)
    const second = await prepareWorld({ ...options, addressOf: (number) => `127.9.1.${number}` })
    assert.deepEqual(second.subscribers, first.subscribers)
    assert.equal(second.credentials.bob.localAddress, '127.9.1.3')
    assert.equal((await prepareWorld({ ...options })).credentials.bob.localAddress, '127.0.1.3')
  }))

test('a damaged file stops it: new keys would lock its ISIM out', () =>
  withFolder(async (options) => {
    const world = await prepareWorld(options)
    await writeFile(world.fileOf('bob'), '{}')
    await assert.rejects(prepareWorld(options), CredentialsError)
  }))

test('provisioning says who is new, and what to do when the HSS knows other keys', () =>
  withFolder(async (options) => {
    const world = await prepareWorld(options)
    const outcome = await provisionWorld(world, async ({ subscriptionId }) => subscriptionId !== 'bob')
    assert.deepEqual(outcome, { added: ['alice', 'carol', 'mallory'], present: ['bob'] })
    const refuse = async (): Promise<boolean> => {
      throw new RpcError('RPC_ALREADY_EXISTS', 'SUBSCRIBER_EXISTS')
    }
    await assert.rejects(provisionWorld(world, refuse), (error: unknown) => {
      return error instanceof WorldMismatchError && /the HSS knows alice with other keys/.test(error.message)
    })
  }))
