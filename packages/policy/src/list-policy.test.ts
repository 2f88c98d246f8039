import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { listPolicy } from './list-policy.ts'
import { NO_CONTEXT } from './testing/contexts.ts'
import { assertedWatcher, type WatcherIdentity } from './watcher-identity.ts'

const [bob, carol, mallory, bobTel] = [
  'sip:bob@ims.example.com',
  'sip:carol@ims.example.com',
  'sip:mallory@ims.example.com',
  'tel:+15550101',
].map(parseImpu) as [Impu, Impu, Impu, Impu]

test('the lists win over the default, a blocked identity over an allowed one (readings, Presence 2)', () => {
  const cases: [boolean, Impu[], Impu[], Impu[], 'allow' | 'block'][] = [
    [true, [], [], [bob], 'allow'],
    [false, [], [], [bob], 'block'],
    [false, [bob], [], [bob], 'allow'],
    [false, [bob], [], [carol], 'block'],
    [true, [], [mallory], [mallory], 'block'],
    [true, [mallory], [mallory], [mallory], 'block'],
    [true, [bob], [bobTel], [bob, bobTel], 'block'],
    [false, [bobTel], [], [bob, bobTel], 'allow'],
  ]
  for (const [defaultAllow, allow, block, identities, expected] of cases) {
    assert.equal(
      listPolicy({ defaultAllow, allow, block }).decide(assertedWatcher(identities), NO_CONTEXT).handling,
      expected,
    )
  }
})

test('an anonymous watcher is blocked, whatever the default says', () => {
  const policy = listPolicy({ defaultAllow: true, allow: [bob], block: [] })
  const nameless: WatcherIdentity[] = [{ kind: 'unverified' }, { kind: 'pseudonymous', identities: [bob] }]
  for (const watcher of nameless) assert.equal(policy.decide(watcher, NO_CONTEXT).handling, 'block')
})
