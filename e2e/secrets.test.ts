import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { generateVector } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { HTTP_DIGEST_UA_PROTOCOL, ksNaf, nafId, TLS13_PSK_UA_PROTOCOL, uaProtocolOfSuiteName } from '@rollcall/gba'
import { writePidf } from '@rollcall/pidf'
import { fileIsimStore, isimStateFile, Ut, type UtSettings } from '@rollcall/ue'
import { assertNoSecrets, knownSecrets } from './support/known-secrets.ts'
import { TestNetwork } from './support/network.ts'

/**
 * Files in which secrets are at home: the operator's own, the UEs' credentials and states, and the key log that a person
 * asked for. Everything else was written by services and by NATS.
 */
const EXEMPT = [/^secrets\//, /^ue\//, /^keylog$/]

test('no key is in a log, a trace, a metric or a file that services or NATS write', async () => {
  await using network = await TestNetwork.start({ block: 16 })
  const keyLogFile = join(network.data.path, 'keylog')
  const phone = await network.ue('alice-phone', { keyLogFile })
  const mallory = await network.ue('mallory', { keyLogFile })
  await phone.register()
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' }) })
  await phone.reregister()
  await mallory.register()
  await assert.rejects(mallory.subscribe({ uri: phone.identity }))
  const password = 'correct horse battery staple'
  const realm = network.world.domain
  await network.operator.setDigestPassword({ impi: phone.impi, realm, password })
  // The Presence Server challenges who hides, and gets the password's hashes from the HSS.
  const user = { username: phone.impi, realm, password: new Secret(Buffer.from(password)) }
  const fetched = await phone.fetch({ uri: mallory.identity, isAnonymous: true, user })
  assert.ok(fetched.body.length > 0)
  const ha1 = hash('sha256', `${phone.impi}:${realm}:${password}`, 'buffer')
  await phone.deregister()
  const gba = await bootstrapAndAsk(network)

  const known = await knownSecrets({ ...network, keyLogFile })
  const secrets = {
    ...known,
    keys: new Map([...known.keys, ...gba, ['password', Buffer.from(password)], ['HA1', ha1]]),
  }
  const places = new Map<string, Buffer>()
  for (const name of SERVICES) {
    const response = await fetch(`http://${network.stack.probe(name)}/metrics`)
    places.set(`metrics of ${name}`, Buffer.from(await response.arrayBuffer()))
  }
  places.set('spans', Buffer.from(JSON.stringify(network.otlp.spans())))
  await network.stack.stop()
  for (const file of await readdir(network.data.path, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    const name = relative(network.data.path, path)
    if (file.isFile() && !EXEMPT.some((exempt) => exempt.test(name))) places.set(name, await readFile(path))
  }
  assert.ok(
    [...places.keys()].some((name) => name.startsWith('nats/')),
    'the store is among them',
  )
  assert.ok(
    [...places.keys()].some((name) => name.startsWith('log/')),
    'the logs are among them',
  )

  assertNoSecrets(secrets, places)
})

/** The ways of a UE to the proxy: digest in either version of TLS, and PSK-TLS. */
const WAYS = [
  { settings: {} },
  { settings: { tlsVersionMax: 'TLSv1.2' } },
  { settings: { access: 'psk-tls12' }, port: 15_444 },
  { settings: { access: 'psk-tls13' }, port: 15_445, protocol: TLS13_PSK_UA_PROTOCOL },
] as const satisfies readonly { settings: Partial<UtSettings>; port?: number; protocol?: Buffer }[]

/** Ks of a UE by each way, and the Ks_NAF that it used there, and the older one: RAND is in the B-TID. */
async function bootstrapAndAsk(network: TestNetwork): Promise<Map<string, Buffer>> {
  const credentials = network.world.credentials['alice-phone']
  const isimStore = fileIsimStore(isimStateFile(network.world.fileOf('alice-phone')))
  const fqdn = new URL(credentials.ut?.xcapRoot ?? '').hostname
  const { address } = network.stack.ut.ap ?? { address: '' }
  const secrets = new Map<string, Buffer>()
  for (const [way, o] of WAYS.entries()) {
    const place = 'port' in o ? { ap: { address, port: o.port } } : {}
    await using ut = await Ut.open({ credentials, isimStore, settings: { ...o.settings, ...place } })
    await ut.rules.get()
    const { btid } = ut.bootstrapped ?? (await ut.bootstrap())
    const rand = Buffer.from(btid.slice(0, btid.indexOf('@')), 'base64')
    const { ck, ik, xres } = generateVector(credentials.keys, { sqn: 0n, amf: Buffer.alloc(2), rand })
    const ks = new Secret(Buffer.concat([ck.reveal(), ik.reveal()]))
    const [, suiteName = ''] = ut.protection?.toUpperCase().split(' ') ?? []
    const used = 'protocol' in o ? o.protocol : uaProtocolOfSuiteName(suiteName)
    const parts = { Ks: ks, CK: ck, IK: ik, RES: xres }
    for (const [name, part] of Object.entries(parts)) secrets.set(`${name} of way ${way}`, part.reveal())
    for (const [name, protocol] of Object.entries({ used, older: HTTP_DIGEST_UA_PROTOCOL })) {
      const key = ksNaf({ ks, rand, impi: credentials.impi, nafId: nafId(fqdn, protocol) }).reveal()
      secrets.set(`Ks_NAF ${name} by way ${way}`, key)
      // What digest has as its password.
      secrets.set(`its text, ${name} by way ${way}`, Buffer.from(key.toString('base64')))
    }
  }
  return secrets
}
