"""Embeds with the components of twelvelabs-haystack. Prints one JSON line: vectors of a text and of two documents.

The URL of the API comes from TWELVELABS_BASE_URL, as the integration has no parameter for it.
"""

import asyncio
import json

from haystack import Document
from haystack.utils import Secret
from haystack_integrations.components.embedders.twelvelabs import TwelveLabsDocumentEmbedder, TwelveLabsTextEmbedder

key = Secret.from_token("test-key")
text = TwelveLabsTextEmbedder(api_key=key).run(text="a cat playing piano")["embedding"]
embedder = TwelveLabsDocumentEmbedder(api_key=key, progress_bar=False)
documents = [Document(content="a cat playing piano"), Document(content="rain")]
found = embedder.run(documents=documents)["documents"]
later = asyncio.run(embedder.run_async(documents=documents))["documents"]
print(json.dumps([text, [each.embedding for each in found], [each.embedding for each in later]]))
