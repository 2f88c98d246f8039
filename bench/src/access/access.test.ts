import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeNonce, generateVector, newIsimState } from '@rollcall/aka'
import { seededRandom } from '@rollcall/core'
import { expandKeys, parseIp } from '@rollcall/esp'
import { checkRequest, parseMessage } from '@rollcall/sip'
import { authorization, writePublish, writeRegister, writeSubscribe } from './access-messages.ts'
import { benchUser, subscriberOf } from './bench-user.ts'
import { answer401, SUITE } from './challenge.ts'
import { ClientRequests } from './client-requests.ts'
import { SaPair } from './sa-pair.ts'

const user = benchUser(777, '127.38')
const granted = {
  portUs: 40_777,
  securityServer: 'ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=3;port-s=4',
  route: '<sip:127.38.9.1:15064;lr>, <sip:orig@scscf-0.scscf.example.com;lr>',
}

test('each UE is another subscriber at another address, the same one whenever it is asked for', () => {
  const users = Array.from({ length: 1_000 }, (_, number) => benchUser(number, '127.38'))
  for (const field of ['impi', 'impu', 'instance', 'address'] as const) {
    assert.equal(new Set(users.map((one) => one[field])).size, users.length, field)
  }
  assert.deepEqual(subscriberOf(user), subscriberOf(benchUser(777, '127.38')))
})

test('what the UEs send is SIP, as checked by the parser of the services (RFC 3261 section 8.1.1)', () => {
  const ids = { branch: 7, callId: 'c', cseq: 2, port: 40_777, securityClient: 'ipsec-3gpp' }
  const messages = [
    writeRegister(user, { ...ids, authorization: authorization(user) }),
    writeRegister(user, {
      ...ids,
      securityVerify: granted.securityServer,
      authorization: authorization(user, { nonce: 'abc', response: 'def' }),
    }),
    writePublish(user, granted, { branch: 8, change: 12, ifMatch: undefined }),
    writePublish(user, granted, { branch: 9, change: 13, ifMatch: Buffer.from('SIP-If-Match: tag\r\n') }),
    writeSubscribe(user, granted, { branch: 10, serial: 3, presentity: user.impu }),
  ]
  for (const octets of messages) {
    const message = parseMessage(octets)
    assert.equal(message.kind, 'request')
    if (message.kind === 'request') checkRequest(message)
  }
  assert.match(messages[3]?.toString('latin1') ?? '', /SIP-If-Match: tag\r\n\r\n<\?xml[\s\S]*change 0000000013/)
})

test('a challenge is answered only by its own network, and one that shows its keys not at all (TS 33.203 clause 6.1.1)', () => {
  const random = seededRandom('bench')
  const challenge = (keys: typeof user.keys, more = ''): Buffer => {
    const { rand, autn } = generateVector(keys, { rand: random.bytes(16), sqn: 64n, amf: Buffer.alloc(2) })
    const nonce = encodeNonce(rand, autn)
    const server = 'ipsec-3gpp;q=0.1;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=11;spi-s=12;port-c=13;port-s=14'
    const head = `SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r",nonce="${nonce}"${more}`
    return Buffer.from(`${head}\r\nSecurity-Server: ${server}\r\n\r\n`)
  }
  const answer = answer401(user, newIsimState(), challenge(user.keys))
  assert.deepEqual(answer.pcscf, { spiC: 11, spiS: 12, portC: 13, portS: 14 })
  assert.throws(() => answer401(user, answer.state, challenge(user.keys)), /sync-failure/)
  assert.throws(() => answer401(user, newIsimState(), challenge(benchUser(1, '127.38').keys)), /mac-failure/)
  assert.throws(() => answer401(user, newIsimState(), challenge(user.keys, ',ck="00"')), /shows its keys/)
})

test('both ends of a set understand each other, and nothing else passes (TS 33.203 clause 7.1)', () => {
  const [ck, ik] = [user.keys.k, user.keys.opc]
  const keys = expandKeys({ ck, ik, ...SUITE })
  const ue = { address: parseIp('127.38.16.1'), spiC: 1_001, spiS: 1_002, portC: 50_001, portS: 40_001 }
  const pcscf = { address: parseIp('127.38.9.1'), spiC: 2_001, spiS: 2_002, portC: 15_100, portS: 15_064 }
  const pair = new SaPair({ ue, pcscf, keys })
  // The other end seen from here: what it calls its own is the P-CSCF’s.
  const other = new SaPair({ ue: pcscf, pcscf: ue, keys })
  const packet = pair.seal(Buffer.from('SIP'))
  assert.equal(other.open(packet)?.toString(), 'SIP')
  assert.equal(other.open(packet), undefined)
})

test('a request is sent until it is answered, and told once (RFC 3261 section 17.1.2)', () => {
  using requests = new ClientRequests()
  const told: number[] = []
  let sent = 0
  const branch = requests.nextBranch()
  requests.start(
    branch,
    () => {
      sent += 1
    },
    (status) => told.push(status),
  )
  for (const status of [100, 200, 200]) requests.take(branch, status, Buffer.alloc(0))
  assert.deepEqual([sent, told], [1, [200]])
})
