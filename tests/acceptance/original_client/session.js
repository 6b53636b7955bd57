// A session with the original client as a library: what its command line calls, in the same order. One JSON line out.
const {DataHub, Validator, authenticate, get, info} = require('datahub-client')
const {Dataset} = require('data.js')

const commands = {
  async login(api, token) {
    return authenticate(api, token)
  },

  async push(api, token, directory, findability) {
    const {profile} = await authenticate(api, token)
    const dataset = await Dataset.load(directory)
    const validator = new Validator({identifier: directory})
    await validator.validateMetadata(dataset.descriptor)
    const datahub = new DataHub({apiUrl: api, token, ownerid: profile.id, owner: profile.username})
    const uploaded = []
    datahub.on('upload', ({file, completed}) => completed && uploaded.push(file))
    const answer = await datahub.push(dataset, {findability})
    datahub.close()
    return {...answer, uploaded}
  },

  async info(api, token, url) {
    const dataset = await Dataset.load(url)
    return {version: dataset.identifier.version, text: info.infoPackage(dataset)}
  },

  async get(api, token, url) {
    const dataset = await Dataset.load(url)
    const files = {}
    for (const file of await get(dataset)) {
      files[file.descriptor.name] = (await file.buffer).toString('utf8')
    }
    return files
  }
}

const [command, ...words] = process.argv.slice(2)
commands[command](process.env.API, process.env.TOKEN, ...words).then(
  answer => console.log(JSON.stringify(answer)),
  error => {
    console.log(JSON.stringify({error: String(error.message || error)}))
    process.exitCode = 1
  }
)
