import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlError } from '@rollcall/xml'
import { readWatcherinfo, type Watcherinfo, writeWatcherinfo } from './watcherinfo.ts'

const INFO: Watcherinfo = {
  version: 7,
  state: 'full',
  resource: 'sip:alice@ims.example.com',
  eventPackage: 'presence',
  watchers: [
    { id: 'w1', uri: 'sip:bob&co@ims.example.com', status: 'active', event: 'subscribe', expirationSeconds: 3599 },
    { id: 'w2', uri: 'tel:+15550101', status: 'terminated', event: 'timeout', durationSubscribedSeconds: 12 },
  ],
}

test('what is written is read again (RFC 3858 section 4)', () => {
  assert.deepEqual(readWatcherinfo(writeWatcherinfo(INFO)), INFO)
  const none = { ...INFO, watchers: [] }
  assert.deepEqual(readWatcherinfo(writeWatcherinfo(none)), none)
})

test('several lists and foreign elements are read, unknown words refused', () => {
  const wrap = (content: string): Buffer =>
    Buffer.from(
      `<w:watcherinfo xmlns:w="urn:ietf:params:xml:ns:watcherinfo" version="0" state="partial">${content}</w:watcherinfo>`,
    )
  const list = (watcher: string): string =>
    `<w:watcher-list resource="sip:a@b" package="presence">${watcher}</w:watcher-list>`
  const one = '<w:watcher id="1" status="pending" event="subscribe"> sip:c@d </w:watcher>'
  const info = readWatcherinfo(wrap(`${list(`${one}<x xmlns="urn:x"/>`)}${list(one)}<y/>`))
  assert.equal(info.state, 'partial')
  assert.deepEqual(
    info.watchers.map(({ uri }) => uri),
    ['sip:c@d', 'sip:c@d'],
  )
  for (const bad of [one.replace('pending', 'odd'), one.replace('event', 'Event'), one.replace('id="1" ', '')]) {
    assert.throws(() => readWatcherinfo(wrap(list(bad))), XmlError)
  }
  assert.throws(() => readWatcherinfo(Buffer.from('<watcherinfo version="0" state="full"/>')), XmlError)
})
