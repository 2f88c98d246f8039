import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { readUserData, type UserData } from './read-user-data.ts'
import { UserTable } from './user-table.ts'

function user(name: string, revision: bigint, partition = 0): UserData {
  const impu = `sip:${name}@ims.example.com`
  const told = { canonicalImpu: impu, impus: [impu], presencePolicy: undefined, revision }
  return readUserData(told, () => partition)
}

function revisionOf(table: UserTable, impu: Impu): bigint | undefined {
  return table.find(impu)?.user?.data.revision
}

test('a table that is full gives up what was stored the longest ago, and with its last identity a user', () => {
  const table = new UserTable()
  const first = user('u0', 1n)
  const alias = parseImpu('tel:+15550100')
  table.store([first.canonical], first, 0, 0)
  table.store([alias], first, 0, 0)
  for (let index = 1; index < 100_000; index++) {
    const other = user(`u${index}`, 1n)
    table.store([other.canonical], other, 0, 0)
  }
  assert.equal(table.find(first.canonical), undefined)
  assert.equal(revisionOf(table, alias), 1n)
  const another = user('another', 1n)
  table.store([another.canonical], another, 0, 0)
  assert.equal(table.find(alias), undefined)
  // It was given up whole: an older revision is not known to be older any more.
  assert.equal(table.store([alias], user('u0', 0n), 0, 0).data.revision, 0n)
})

test('an identity that moves to another user leads to that one alone', () => {
  const table = new UserTable()
  const [alice, bob] = [user('alice', 1n, 1), user('bob', 2n, 2)]
  const shared = parseImpu('tel:+15550100')
  table.store([alice.canonical, shared], alice, 0, 0)
  table.store([shared], bob, 0, 0)
  assert.equal(table.find(shared)?.user?.data, bob)
  table.forgetPartition(1)
  assert.equal(table.find(alice.canonical), undefined)
  assert.equal(table.find(shared)?.user?.data, bob)
  table.storeUnknown(shared, 0)
  assert.deepEqual(table.find(shared), { user: undefined, atMs: 0 })
})
