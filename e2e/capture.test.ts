import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ENCAPSULATION_PORT, PORT_PS, SIP_PORT } from '@rollcall/deploy/local/stack.ts'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { Capture, captureImpossible, MARKER_PORT } from './support/capture.ts'
import { TestNetwork } from './support/network.ts'

const impossible = captureImpossible()

test('on the UEs’ links there is only ESP after the challenge, and tshark decrypts it with the key log (TS 33.203 clause 7.1)', {
  skip: impossible ?? false,
}, async () => {
  await using network = await TestNetwork.start({ block: 12 })
  const { address } = network.stack.options
  const file = join(network.data.path, 'capture.pcapng')
  const keyLogFile = join(network.data.path, 'keylog')
  // Everything between the UEs' addresses and the network's, whatever the protocol.
  const capture = await Capture.start(file, `host ${address} and net 127.12.1.0/24`)
  const phone = await network.ue('alice-phone', { keyLogFile })
  const bob = await network.ue('bob', { keyLogFile })
  await phone.register()
  await bob.register()
  const subscription = await bob.subscribe({ uri: phone.identity })
  await subscription.next(5_000)
  await phone.publish({
    body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note: 'the word nobody may overhear' }),
  })
  const told = await subscription.next(10_000)
  assert.deepEqual(readPidfSummary(told.body).tuples[0]?.notes, ['the word nobody may overhear'])
  await bob.reregister()
  await phone.deregister()
  await capture.stop({ from: '127.12.1.99', to: address })
  const at = { encapsulationPort: ENCAPSULATION_PORT, sipPort: SIP_PORT }

  // In clear: the first REGISTER of each UE and its 401 (sent again, perhaps), and nothing else.
  const clear = await capture.dissect({
    ...at,
    display: `udp && !icmp && !udp.port==${ENCAPSULATION_PORT} && !udp.port==${MARKER_PORT}`,
    fields: ['sip.Method', 'sip.Status-Code'],
  })
  assert.deepEqual([...new Set(clear.map((row) => row.join('')))].sort(), ['401', 'REGISTER'])
  const others = await capture.dissect({
    ...at,
    display: `!udp && !udp.port==${MARKER_PORT}`,
    fields: ['frame.number'],
  })
  assert.deepEqual(others, [], 'nothing that is not UDP')
  const encapsulated = await capture.dissect({
    ...at,
    display: `udp.port==${ENCAPSULATION_PORT} && !esp`,
    fields: ['frame.number'],
  })
  assert.deepEqual(encapsulated, [], 'nothing but ESP in the encapsulation')
  const readable = await capture.dissect({
    ...at,
    display: 'frame contains "overhear" || frame contains "AKAv1-MD5\\", response"',
    fields: ['frame.number'],
  })
  assert.deepEqual(readable, [], 'what was said in the SAs cannot be read without keys')

  // CK and IK stay between P-CSCF and S-CSCF (TS 24.229 clause 7.2A.1).
  const challenges = await capture.dissect({ ...at, display: 'sip.Status-Code==401', fields: ['sip.WWW-Authenticate'] })
  for (const [header] of challenges) assert.doesNotMatch(String(header), /\b(?:ck|ik)=/)

  // The judge: another implementation decrypts each packet and finds each ICV right.
  const decrypted = await capture.dissect({
    ...at,
    keyLogFile,
    display: 'esp && sip',
    fields: ['sip.Method', 'sip.Status-Code', 'esp.icv_good', 'udp.srcport', 'udp.dstport'],
  })
  const packets = await capture.dissect({ ...at, display: 'esp', fields: ['frame.number'] })
  assert.equal(decrypted.length, packets.length, 'every ESP packet holds one SIP message')
  const methods = new Set(decrypted.map(([method]) => method).filter((method) => method))
  for (const method of ['REGISTER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH']) assert.ok(methods.has(method), method)
  for (const [, , icv] of decrypted) assert.match(String(icv), /^(?:1|True)/i)
  // Requests of UEs go to port_ps, and none of ours from there (TS 33.203 clause 7.1, UDP).
  for (const [method, , , from, to] of decrypted) {
    if (method === 'PUBLISH' || method === 'SUBSCRIBE') assert.match(String(to), new RegExp(`\\b${PORT_PS}$`))
    if (method === 'NOTIFY') assert.doesNotMatch(String(from), new RegExp(`\\b${PORT_PS}$`))
  }
  const bad = await capture.dissect({ ...at, keyLogFile, display: 'esp.icv_bad == 1', fields: ['frame.number'] })
  assert.deepEqual(bad, [])
})
