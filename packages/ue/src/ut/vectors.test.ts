import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { parseImpi, parseImpu, Secret } from '@rollcall/core'
import { memoryIsimStore } from '../isim-store.ts'
import { FakeBsf } from '../testing/fake-bsf.ts'
import { deriveKsNaf, FakeNaf } from '../testing/fake-naf.ts'
import { certify } from '../testing/ut-world.ts'
import { placeOf, testCredentials } from '../testing/world.ts'
import { Ut } from './ut.ts'

const ADDRESS = '127.47.1.6'

/**
 * Milenage test set 1 (TS 35.208 clause 4.3), and what TS 33.220 annex B.3 makes of it for user1_private@home1.net at
 * xcap.home1.net: computed by another implementation, with Python's hmac.
 */
const SET = {
  k: '465b5ce8b199b49faa5f0a2ee238a6bc',
  opc: 'cd63cb71954a9f4e48a5994e37a02baf',
  rand: '23553cbe9637a89d218ae64dae47bf35',
  ks: 'b40ba9a3c58b2a05bbf0d987b21bf8cbf769bcd751044604127672711c6d3441',
  btid: 'I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net',
  /** By Ua security protocol identifier. */
  ksNaf: {
    '0100000002': '6859b69db92e3b3b2cef5906aa8dca63513dd97307dc269e22e87ddb84e53528',
    '010001008c': '296e9dfe999a39399ae77cb3706659b3d022b974eb7c0faa4bc1e1e84e6855e7',
    '010001c02f': 'a7d2e17cf1f1610de9995f9f38eaa777bac51bd7f5234ef7b8a8cbb8bad72071',
    '0100000007': '24a60c56a5f3bc3dc1e049f50886f434b33d231f63270ca386ecb349563fb61b',
  },
}

test('from RAND to Ks_NAF as another implementation computes it (TS 33.220 annex B.3)', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-ut-'))
  await using opened = new AsyncDisposableStack()
  opened.defer(() => rm(folder, { recursive: true }))
  const keys = { k: Secret.fromHex(SET.k), opc: Secret.fromHex(SET.opc) }
  const bsf = opened.use(await FakeBsf.listen({ address: ADDRESS, name: 'bsf.home1.net', keys }))
  const { caFile, ...tls } = await certify(folder, 'xcap.home1.net')
  const naf = opened.use(
    await FakeNaf.listen({ address: ADDRESS, fqdn: 'xcap.home1.net', sessions: bsf.sessions, tls }),
  )
  const ut = opened.use(
    await Ut.open({
      credentials: {
        ...testCredentials(placeOf(9)),
        impi: parseImpi('user1_private@home1.net'),
        impus: [parseImpu('sip:user1_public1@home1.net')],
        domain: 'home1.net',
        keys,
        ut: { bsf: `http://${ADDRESS}:${bsf.port}`, ap: { address: ADDRESS, port: naf.port }, caFile },
      },
      isimStore: memoryIsimStore(),
      settings: { uaProtocol: 'http-digest' },
    }),
  )
  bsf.twists.rand = Buffer.from(SET.rand, 'hex')
  assert.equal((await ut.bootstrap()).btid, SET.btid)
  const session = bsf.sessions.get(SET.btid)
  assert.ok(session)
  assert.equal(session.ks.reveal().toString('hex'), SET.ks)
  for (const [protocol, key] of Object.entries(SET.ksNaf)) {
    assert.equal(deriveKsNaf(session, 'xcap.home1.net', protocol).toString('hex'), key, 'the played NAF derives it so')
  }
  naf.twists.ksNaf = SET.ksNaf['0100000002']
  naf.script = () => ({ status: 200, headers: { 'Content-Type': 'application/pidf+xml' } })
  await ut.xcap.get('pidf-manipulation/users/sip:user1_public1@home1.net/index')
  assert.equal(naf.requests.length, 1)
})
