import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newIsimState } from '@rollcall/aka'
import { writePidf } from '@rollcall/pidf'
import { gmTimers, memoryIsimStore, type SecuritySuite, Ue } from '@rollcall/ue'
import { T1_MS, TestNetwork } from './support/network.ts'

const SUITES: readonly SecuritySuite[] = [
  { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
  { alg: 'hmac-sha-1-96', ealg: 'null' },
  { alg: 'hmac-sha-1-96', ealg: 'des-ede3-cbc' },
  { alg: 'hmac-md5-96', ealg: 'aes-cbc' },
  { alg: 'hmac-md5-96', ealg: 'null' },
  { alg: 'hmac-md5-96', ealg: 'des-ede3-cbc' },
  { alg: 'null', ealg: 'aes-gcm' },
  { alg: 'aes-gmac', ealg: 'null' },
]

function startNetwork(): Promise<TestNetwork> {
  return TestNetwork.start({
    block: 33,
    settings: {
      ROLLCALL_SCSCF_DIGEST_ALGORITHM: 'AKAv2-MD5',
      // One UE registers time and again.
      ROLLCALL_PCSCF_SOURCE_BURST: '100',
      ROLLCALL_PCSCF_IMPI_BURST: '100',
      ROLLCALL_PCSCF_ESP_PAIRS: SUITES.map(({ alg, ealg }) => `${alg}/${ealg}`).join(','),
    },
  })
}

test('TUAK, AKAv2-MD5 and every pair of algorithms, from the UE to the HSS', async (t) => {
  await using network = await startNetwork()

  await t.test(
    'carol, whose ISIM has TUAK, answers AKAv2-MD5 and publishes (RFC 4169 section 3, TS 35.231 clause 5)',
    async () => {
      const carol = await network.ue('carol')
      assert.ok('topc' in network.world.credentials.carol.keys)
      await carol.register()
      await carol.publish({ body: writePidf({ entity: carol.identity, tupleId: 'a', basic: 'open' }) })
      await carol.reregister()
      await carol.deregister()
      await carol.close()
    },
  )

  await t.test(
    'an ISIM that another network took ahead is resynchronised, by Milenage and by TUAK (TS 33.102 clause 6.3.5)',
    async () => {
      for (const name of ['bob', 'carol'] as const) {
        const isimStore = memoryIsimStore()
        await isimStore.save({ sqnArray: newIsimState().sqnArray.map(() => 70_000n) })
        await using ue = await Ue.open({
          credentials: network.world.credentials[name],
          isimStore,
          settings: { timers: gmTimers(T1_MS) },
        })
        await ue.register()
        const { sqnArray } = await isimStore.load()
        // One above SQN_MS in SEQ, under an IND of the slice for registrations.
        assert.deepEqual(
          sqnArray.slice(0, 16).filter((seq) => seq !== 70_000n),
          [70_001n],
          name,
        )
        assert.ok(sqnArray.slice(16).every((seq) => seq === 70_000n))
        await ue.deregister()
      }
    },
  )

  await t.test(
    'each pair that both ends switched on carries a registration (TS 33.203 clause 7.2, annex H, annex I)',
    async () => {
      for (const suite of SUITES) {
        await using bob = await network.ue('bob', { settings: { suites: [suite] } })
        await bob.register()
        assert.equal(bob.protection, `udp-enc-tun ${suite.ealg} ${suite.alg}`)
        await bob.checkAlive()
        await bob.deregister()
        await bob.close()
      }
    },
  )

  await t.test(
    'of several entries the P-CSCF takes the first of its own list, whatever order the UE has (TS 33.203 clause 7.2)',
    async () => {
      const bob = await network.ue('bob', { settings: { suites: SUITES.slice(0, 6).toReversed() } })
      await bob.register()
      assert.equal(bob.protection, 'udp-enc-tun aes-cbc hmac-sha-1-96')
      await bob.deregister()
    },
  )
})
