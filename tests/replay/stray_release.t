# A release without its press, as after a window got the focus, and a release that comes twice.
up enter 1000
down a 1100
up enter 1150
up a 1200
up a 1210
down s 1300
up s 1350

hold left little finger 100
flight left hand to left hand 100
hold left ring finger 50
