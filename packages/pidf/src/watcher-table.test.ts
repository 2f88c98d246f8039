import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WatcherTable } from './watcher-table.ts'
import type { Watcher, Watcherinfo } from './watcherinfo.ts'

const watcher = (id: string, status: Watcher['status'] = 'active'): Watcher => ({
  id,
  uri: `sip:${id}@ims.example.com`,
  status,
  event: status === 'terminated' ? 'timeout' : 'subscribe',
})
const info = (version: number, state: Watcherinfo['state'], ...watchers: Watcher[]): Watcherinfo => {
  return { version, state, resource: 'sip:alice@ims.example.com', eventPackage: 'presence', watchers }
}
const listOf = (table: WatcherTable) => table.whole?.watchers.map(({ id, status }) => `${id} ${status}`)

test('a partial document changes the list, a full one is the list (RFC 3858 section 4)', () => {
  const table = new WatcherTable()
  assert.equal(listOf(table), undefined)
  assert.equal(table.take(info(0, 'full', watcher('bob', 'pending'), watcher('carol'))), 'taken')
  assert.equal(table.take(info(1, 'partial', watcher('bob'), watcher('dave'))), 'taken')
  assert.deepEqual(listOf(table), ['bob active', 'carol active', 'dave active'])
  assert.equal(table.take(info(2, 'full', watcher('erin'))), 'taken')
  assert.deepEqual(listOf(table), ['erin active'])
  assert.equal(table.whole?.state, 'full')
})

test('who has ended is shown once (RFC 3858 section 4)', () => {
  const table = new WatcherTable()
  table.take(info(0, 'full', watcher('bob'), watcher('carol')))
  table.take(info(1, 'partial', watcher('bob', 'terminated')))
  assert.deepEqual(listOf(table), ['bob terminated', 'carol active'])
  table.take(info(2, 'partial'))
  assert.deepEqual(listOf(table), ['carol active'])
})

test('a document that is missing is found out, an old one passed over (RFC 3858 section 4)', () => {
  const table = new WatcherTable()
  assert.equal(table.take(info(3, 'partial', watcher('bob'))), 'gap', 'there was none that a partial one could change')
  assert.equal(table.take(info(4, 'partial', watcher('carol'))), 'taken')
  assert.equal(table.take(info(6, 'partial', watcher('dave'))), 'gap')
  assert.deepEqual(listOf(table), ['bob active', 'carol active', 'dave active'], 'what it says is known')
  assert.equal(table.take(info(6, 'full', watcher('erin'))), 'stale')
  assert.equal(table.take(info(5, 'full', watcher('erin'))), 'stale')
  assert.equal(table.take(info(70_000, 'full', watcher('erin'))), 'taken', 'a full one is missing nothing')
  assert.deepEqual(listOf(table), ['erin active'])
})

test('the list is bounded', () => {
  const table = new WatcherTable()
  for (let version = 0; version < 300; version++) {
    const some = Array.from({ length: 50 }, (_, at) => watcher(`w${version}-${at}`))
    table.take(info(version, version === 0 ? 'full' : 'partial', ...some))
  }
  assert.equal(table.whole?.watchers.length, 10_000)
})
