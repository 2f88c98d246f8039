import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequest, SipSyntaxError } from '@rollcall/sip'
import { readTopVia } from './via.ts'

const SOURCE = { address: '127.0.1.9', port: 40_000 }

function read(...vias: string[]) {
  const request = createRequest(
    'PUBLISH',
    'sip:a@example.com',
    vias.map((via) => ['Via', via] as const),
  )
  return { ...readTopVia(request, SOURCE), via: request.headers.getAll('Via') }
}

test('the answer goes to the address that the request came from and the port of its Via (RFC 3261 section 18.2.2)', () => {
  const { replyTo, via } = read('SIP/2.0/UDP 127.0.1.9:5070;branch=z9hG4bK1')
  assert.deepEqual(replyTo, { address: '127.0.1.9', port: 5_070 })
  assert.deepEqual(via, ['SIP/2.0/UDP 127.0.1.9:5070;branch=z9hG4bK1'])
  assert.equal(read('SIP/2.0/UDP 127.0.1.9;branch=z9hG4bK1').replyTo.port, 5_060)
})

test('another address than that of Via is noted there (RFC 3261 section 18.2.1)', () => {
  const { replyTo, via } = read('SIP/2.0/UDP client.example.com:5070;branch=z9hG4bK1', 'SIP/2.0/UDP b;branch=z9hG4bK2')
  assert.deepEqual(replyTo, { address: '127.0.1.9', port: 5_070 })
  assert.deepEqual(via, [
    'SIP/2.0/UDP client.example.com:5070;branch=z9hG4bK1;received=127.0.1.9',
    'SIP/2.0/UDP b;branch=z9hG4bK2',
  ])
})

test('who asks for it gets the answer at the port that it sent from (RFC 3581 section 4)', () => {
  const { replyTo, via } = read('SIP/2.0/UDP 127.0.1.9:5070;rport;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2')
  assert.deepEqual(replyTo, SOURCE)
  assert.deepEqual(via, [
    'SIP/2.0/UDP 127.0.1.9:5070;rport=40000;branch=z9hG4bK1;received=127.0.1.9',
    'SIP/2.0/UDP b;branch=z9hG4bK2',
  ])
})

test('nobody directs an answer to a third', () => {
  const { replyTo } = read('SIP/2.0/UDP 127.0.1.9;maddr=10.0.0.1;received=10.0.0.2;branch=z9hG4bK1')
  assert.equal(replyTo.address, '127.0.1.9')
})

test('the same branch of two clients, or of two methods, is two requests (RFC 3261 section 17.2.3)', () => {
  const key = read('SIP/2.0/UDP 127.0.1.9:5070;branch=z9hG4bK1').key
  assert.equal(read('SIP/2.0/UDP 127.0.1.9:5070;branch=z9hG4bK1').key, key)
  assert.notEqual(read('SIP/2.0/UDP 127.0.1.9:5071;branch=z9hG4bK1').key, key)
  assert.notEqual(read('SIP/2.0/UDP 127.0.1.9:5070;branch=z9hG4bK2').key, key)
})

test('without a Via, or a branch in it, there is nobody to answer', () => {
  for (const via of ['nonsense', 'SIP/2.0/UDP a', 'SIP/2.0/UDP a;branch', 'SIP/2.0/UDP a, SIP/2.0/UDP b;branch=z']) {
    assert.throws(() => read(via), SipSyntaxError, via)
  }
  assert.throws(() => read(), SipSyntaxError)
})
