import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, ALICE_TEL, BOB } from '../testing/inputs.ts'
import { concerns, everything, ownSelectors, watchedBy } from './xcap-selection.ts'

const RULES = `pres-rules/users/${ALICE}/index`

test('of what is asked for the own remains: nobody is told whether another’s document exists (RFC 5875 section 4.4)', () => {
  const asked = [
    RULES,
    `pres-rules/users/${encodeURIComponent(ALICE_TEL)}/index`,
    `pidf-manipulation/users/${ALICE}/`,
    `${RULES}/~~/ruleset/rule%5b@id=%22a%22%5d`,
    // Of everybody, as far as she may read.
    'pres-rules/users/',
    'pidf-manipulation/',
  ]
  const foreign = [
    `pres-rules/users/${BOB}/index`,
    `pres-rules/users/${BOB}/`,
    'xcap-caps/global/index',
    `xcap-directory/users/${ALICE}/index`,
    `resource-lists/users/${ALICE}/index`,
    `pres-rules/users/${ALICE}/../${BOB}/index`,
    'pres-rules/global/',
    `pres-rules/users/${BOB}/folder/`,
    'resource-lists/',
    `${RULES}/~~/rule[`,
  ]
  assert.deepEqual(ownSelectors([...asked, ...foreign], [ALICE, ALICE_TEL]), asked)
  assert.deepEqual(ownSelectors([RULES], []), [])
})

test('a collection is all below it, a document is itself, a part is of its document (RFC 5875 section 4.4)', () => {
  const named = (selector: string): string[] => {
    const resource = watchedBy(selector)
    const keys = ['pres-rules index', 'pres-rules folder/index', 'pidf-manipulation index']
    return resource ? keys.filter((key) => concerns(resource, key, ALICE)) : []
  }
  assert.deepEqual(named(`pres-rules/users/${ALICE}/`), ['pres-rules index', 'pres-rules folder/index'])
  assert.deepEqual(named(`pres-rules/users/${ALICE}/folder/`), ['pres-rules folder/index'])
  assert.deepEqual(named('pres-rules/'), ['pres-rules index', 'pres-rules folder/index'])
  assert.deepEqual(named(RULES), ['pres-rules index'])
  assert.deepEqual(named(`${RULES}/~~/ruleset`), ['pres-rules index'])
  assert.deepEqual(named(`pres-rules/users/${ALICE}/other`), [])
  assert.deepEqual(everything(['pres-rules', 'pidf-manipulation'], ALICE).flatMap(named), [
    'pres-rules index',
    'pres-rules folder/index',
    'pidf-manipulation index',
  ])
})
