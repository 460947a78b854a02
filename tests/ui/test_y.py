import asyncio
from tests.conftest import until
async def test_a(window, connect_client):
    await connect_client()
async def test_present(window):
    window.hide()
    window.present()
    await until(window.isActiveWindow)
