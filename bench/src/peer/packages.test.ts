import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MissingPackagesError, missingPackages } from './packages.ts'

test('says which packages are missing, and how to install them', () => {
  assert.deepEqual(
    missingPackages((file) => !file.includes('postgres')),
    ['kamailio-postgres-modules', 'postgresql'],
  )
  assert.deepEqual(
    missingPackages(() => true),
    [],
  )
  assert.match(new MissingPackagesError(['kamailio', 'postgresql']).message, /apt-get install kamailio postgresql$/)
})
