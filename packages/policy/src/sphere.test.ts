import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PidfDocument, scanPidf } from '@rollcall/pidf'
import { sphereOf } from './sphere.ts'

function published(...spheres: readonly string[]): PidfDocument {
  const namespaces =
    'xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" ' +
    'xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"'
  const persons = spheres.map((sphere, index) => `<dm:person id="p${index}">${sphere}</dm:person>`).join('')
  return scanPidf(Buffer.from(`<presence ${namespaces} entity="sip:alice@example.com">${persons}</presence>`))
}

test('the sphere is what the presentity publishes, as an element or as text (RFC 5025 section 3.1.2)', () => {
  assert.equal(sphereOf([published('<r:sphere><r:work/></r:sphere>')]), 'work')
  assert.equal(sphereOf([published('<r:sphere id="s">\n <r:home></r:home> </r:sphere>')]), 'home')
  assert.equal(sphereOf([published('<r:sphere>work</r:sphere>')]), 'work')
  assert.equal(
    sphereOf([published(), published('<r:sphere><r:work/></r:sphere>', '<r:sphere>work</r:sphere>')]),
    'work',
  )
})

test('none, several that differ, and one that is not understood are no sphere (RFC 5025 section 3.1.2)', () => {
  assert.equal(sphereOf([]), undefined)
  assert.equal(sphereOf([published('')]), undefined)
  const [work, home] = ['<r:sphere><r:work/></r:sphere>', '<r:sphere><r:home/></r:sphere>']
  assert.equal(sphereOf([published(work, home)]), undefined)
  assert.equal(sphereOf([published(work), published(home)]), undefined)
  assert.equal(sphereOf([published(work), published('<r:sphere><r:unknown/></r:sphere>')]), undefined)
  assert.equal(sphereOf([published('<r:sphere><r:work/><r:home/></r:sphere>')]), undefined)
  assert.equal(sphereOf([published('<r:sphere/>')]), undefined)
  assert.equal(sphereOf([published('<r:sphere until="2030-01-01T00:00:00Z"><r:work/></r:sphere>')]), undefined)
  assert.equal(sphereOf([published('<sphere xmlns="urn:other"><work/></sphere>')]), undefined)
})
