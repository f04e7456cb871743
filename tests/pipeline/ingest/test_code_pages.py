"""Guessing a code page: a handful of names is enough, one is often enough."""

import random

import pytest

from pipeline.ingest.code_pages import guess_code_page

RUSSIAN = "кошки собаки птицы фото Новая папка Москва поездка пейзаж тест яблоко поезд люди цветы"
WESTERN = "Bär Vögel Größe Hündchen Übung Äpfel Straße café niño été garçon forêt naïve Müller"
WORDS = {
    "cp932": "犬 猫 鳥 写真 三毛猫 東京タワー 桜 富士山 画像 旅行 風景 テスト りんご 自転車 電車",
    "gb18030": "猫 狗 鸟 照片 小狗 北京 上海 新建文件夹 图片 测试 训练 苹果 自行车 数据集",
    "cp949": "고양이 강아지 사진 새 폴더 서울 여행 풍경 테스트 학습 사과 자전거 기차 사람 꽃 건물",
    "big5": "貓 狗 鳥 照片 小狗 台北 圖片 旅行 風景 測試 訓練 蘋果 腳踏車 火車 汽車 飛機",
    "cp866": RUSSIAN,
    "cp1251": RUSSIAN,
    "cp437": WESTERN,
    "cp850": WESTERN,
    "cp1252": WESTERN,
}


@pytest.mark.parametrize(("n_names", "least"), [(1, 0.75), (3, 0.97)])
@pytest.mark.parametrize("page", WORDS)
def test_names_are_read_as_they_were_written(page, n_names, least):
    """Of 60 random lists of names; equal text by another page is right as well."""
    rng, n_right = random.Random(0), 0
    words = [word for word in WORDS[page].split() if not word.isascii()]

    for _ in range(60):
        names = [
            f"{rng.choice(words)}/{rng.choice(words)} {rng.randint(1, 99)}.jpg".encode(page)
            for _ in range(n_names)
        ]
        guess = guess_code_page(names)
        n_right += all(name.decode(guess) == name.decode(page) for name in names)

    assert n_right >= least * 60


def test_valid_utf_8_is_taken_for_nothing_else():
    assert guess_code_page(["猫".encode(), "Bär".encode()]) == "utf-8"


def test_any_bytes_have_some_page():
    rng = random.Random(0)

    for _ in range(50):
        name = bytes(rng.randrange(32, 256) for _ in range(12))
        assert name.decode(guess_code_page([name]))
