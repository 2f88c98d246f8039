import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { NameUnresolvedError } from './errors.ts'
import { Resolver } from './resolver.ts'

function setUp(answer: (host: string) => readonly string[]) {
  const clock = new VirtualClock()
  const asked: string[] = []
  const resolver = new Resolver({
    clock,
    lookup: async (host) => {
      asked.push(host)
      return answer(host)
    },
  })
  return { clock, asked, resolver }
}

test('addresses are tried by turns of their families, the first one first (RFC 3263 section 4.2, RFC 8305 section 4)', async () => {
  const { resolver } = setUp(() => ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2', '192.0.2.3'])
  assert.deepEqual(await resolver.resolve('as.example.org'), [
    '2001:db8::1',
    '192.0.2.1',
    '2001:db8::2',
    '192.0.2.2',
    '192.0.2.3',
  ])
})

test('an address is itself, and nobody is asked (RFC 3263 section 4.1)', async () => {
  const { asked, resolver } = setUp(() => [])
  assert.deepEqual(await resolver.resolve('192.0.2.1'), ['192.0.2.1'])
  assert.deepEqual(await resolver.resolve('[2001:db8::1]'), ['2001:db8::1'])
  assert.deepEqual(asked, [])
})

test('an answer holds for five seconds, a failure for one, and those who ask at once ask once', async () => {
  let addresses: string[] = []
  const { clock, asked, resolver } = setUp(() => addresses)
  const both = [resolver.resolve('AS.example.org'), resolver.resolve('as.example.org')]
  for (const one of both) await assert.rejects(one, NameUnresolvedError)
  assert.deepEqual(asked, ['as.example.org'])
  addresses = ['192.0.2.1']
  await assert.rejects(resolver.resolve('as.example.org'), NameUnresolvedError)
  clock.advance(1_000)
  assert.deepEqual(await resolver.resolve('as.example.org'), ['192.0.2.1'])
  clock.advance(4_999)
  addresses = ['192.0.2.2']
  assert.deepEqual(await resolver.resolve('as.example.org'), ['192.0.2.1'])
  clock.advance(1)
  assert.deepEqual(await resolver.resolve('as.example.org'), ['192.0.2.2'])
})

test('a lookup that fails is an error of ours, with its cause', async () => {
  const resolver = new Resolver({ clock: new VirtualClock(), lookup: () => Promise.reject(new Error('SERVFAIL')) })
  await assert.rejects(
    resolver.resolve('as.example.org'),
    (error) => error instanceof NameUnresolvedError && error.cause instanceof Error && error.host === 'as.example.org',
  )
})

test('so many names are remembered, and the oldest are forgotten', async () => {
  const { resolver, asked } = setUp(() => ['192.0.2.1'])
  for (let n = 0; n < 1_100; n++) await resolver.resolve(`n${n}.example.org`)
  assert.equal(resolver.size, 1_024)
  await resolver.resolve('n1099.example.org')
  assert.equal(asked.length, 1_100)
  await resolver.resolve('n0.example.org')
  assert.equal(asked.length, 1_101)
})
