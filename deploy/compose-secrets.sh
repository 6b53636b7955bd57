# Writes .env with random secrets for compose.yaml, readable by its owner only. An existing .env is left as it is.
cd "$(dirname "$0")/.." || exit 1
if [ -e .env ]; then
    echo '.env is there already' >&2
    exit 0
fi
umask 077
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
{
    echo "POSTGRES_PASSWORD=$(secret)"
    echo "RABBITMQ_PASSWORD=$(secret)"
    echo "S3_SECRET_KEY=$(secret)"
} >.env
echo 'wrote .env'
