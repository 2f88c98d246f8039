import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { OdiTable } from './odi-table.ts'

function createTable(entriesMax: number) {
  const clock = new VirtualClock()
  return { clock, table: new OdiTable<string>({ clock, random: seededRandom('odi'), lifeMs: 1_000, entriesMax }) }
}

test('what is remembered is found by its token alone, until its time is up', () => {
  const { clock, table } = createTable(10)
  const token = table.put('a')
  assert.match(token, /^[0-9a-f]{32}$/)
  assert.equal(table.get(token), 'a')
  assert.equal(table.get('other'), undefined)
  clock.advance(1_000)
  assert.equal(table.get(token), undefined)
  table.put('b')
  assert.equal(table.size, 1)
})

test('at the bound the oldest is forgotten', () => {
  const { table } = createTable(2)
  const [first, second, third] = [table.put('a'), table.put('b'), table.put('c')]
  assert.equal(table.size, 2)
  assert.deepEqual(
    [first, second, third].map((token) => table.get(token)),
    [undefined, 'b', 'c'],
  )
})
